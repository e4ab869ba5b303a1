import type { NetworkLimits } from "./limits.ts";
import type { NetworkLogger, NetworkMetrics } from "./options.ts";
import type { Peer } from "./peer.ts";
import { decodeQuestion, encodeAnswer } from "./questions.ts";
import type { Session } from "./session.ts";

export type Answerer = (peer: string, message: Uint8Array) => Promise<Uint8Array> | Uint8Array;

export interface AnswersOptions {
  readonly limits: NetworkLimits;
  readonly logger: NetworkLogger;
  readonly metrics: NetworkMetrics;
  /** Peers whose questions may be waiting for a place. */
  peers(): Iterable<Peer>;
}

/** Answers the questions of peers, a bounded number at a time; the others wait in their streams. */
export class Answers {
  readonly #options: AnswersOptions;
  #answerer: Answerer | undefined;
  #forFullNodes = 0;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  set answerer(answerer: Answerer) {
    this.#answerer = answerer;
  }

  takes(peer: Peer, session: Session): boolean {
    const { maxAnswersPerPeer, maxAnswersForFullNodes } = this.#options.limits;
    if (peer.answering + session.waitingAnswers >= maxAnswersPerPeer) return false;
    return peer.isValidator || this.#forFullNodes < maxAnswersForFullNodes;
  }

  /** @throws DecodeError */
  question(peer: Peer, session: Session, bytes: Uint8Array): void {
    const { id, message } = decodeQuestion(bytes);
    void this.#answer(peer, session, id, message);
  }

  async #answer(peer: Peer, session: Session, id: number, message: Uint8Array): Promise<void> {
    peer.answering += 1;
    if (!peer.isValidator) this.#forFullNodes += 1;
    const answer = await this.#workOut(peer.publicKey, message);
    peer.answering -= 1;
    if (!peer.isValidator) this.#forFullNodes -= 1;
    this.#options.metrics.answered(answer ? "answered" : "failed");
    session.answer(encodeAnswer(id, answer));
    session.resume();
    if (peer.isValidator) return;
    for (const other of this.#options.peers())
      if (other !== peer && !other.isValidator) other.session.resume();
  }

  /** Undefined when there is no answer; a failure here is the node's own, so it costs nobody. */
  async #workOut(peer: string, message: Uint8Array): Promise<Uint8Array | undefined> {
    const { limits, logger } = this.#options;
    try {
      const answer = await this.#answerer?.(peer, message);
      if (answer === undefined || answer.length <= limits.maxResponseBytes) return answer;
      const fields = { peer, bytes: answer.length, allowed: limits.maxResponseBytes };
      logger.warn(fields, "an answer was too large to send");
    } catch (error) {
      logger.warn({ peer, reason: (error as Error).message }, "could not answer a request");
    }
    return undefined;
  }
}
