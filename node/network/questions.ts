import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { ANSWER_HEADER_BYTES, QUESTION_HEADER_BYTES } from "./protocols.ts";

/** Why a question got no answer. */
export type RequestProblem =
  "not-connected" | "too-many" | "too-large" | "timed-out" | "aborted" | "refused" | "disconnected";

export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: RequestProblem;
  constructor(code: RequestProblem, message: string) {
    super(message);
    this.code = code;
  }
}

interface Pending {
  readonly frame: Uint8Array;
  settle(error: RequestError | undefined, answer?: Uint8Array): void;
}

export interface QuestionsOptions {
  readonly peer: string;
  readonly maxPending: number;
  readonly maxRequestBytes: number;
  readonly timeoutMs: number;
  /** Queues a frame for the peer; false when there is no room. */
  send(frame: Uint8Array): boolean;
}

const ANSWERED = 0;
const FAILED = 1;

/** The questions of this node to one peer: numbered, timed, and bounded in number. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #pending = new Map<number, Pending>();
  #next = 1;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** @throws RequestError */
  ask(message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { peer, maxPending, maxRequestBytes, send } = this.#options;
    const problem = (code: RequestProblem, text: string) =>
      Promise.reject(new RequestError(code, `request to ${peer}: ${text}`));
    if (signal.aborted) return problem("aborted", "was aborted");
    if (message.length > maxRequestBytes)
      return problem("too-large", `got ${message.length} bytes, allowed: ${maxRequestBytes}`);
    if (this.#pending.size >= maxPending)
      return problem("too-many", `${maxPending} are waiting for an answer already`);
    const id = this.#next;
    this.#next = (this.#next % 0xffff_ffff) + 1;
    const frame = new BinaryWriter(message.length + QUESTION_HEADER_BYTES)
      .u32(id)
      .raw(message)
      .finish();
    const answer = this.#wait(id, frame, signal);
    if (!send(frame)) this.#pending.get(id)?.settle(this.#error("too-many", "the queue is full"));
    return answer;
  }

  /**
   * Takes an answer; one that nobody waits for any more is ignored.
   *
   * @throws DecodeError
   */
  answered(bytes: Uint8Array): void {
    const reader = new BinaryReader(bytes);
    const pending = this.#pending.get(reader.u32());
    const status = reader.u8();
    if (status !== ANSWERED && status !== FAILED)
      throw new DecodeError(`got an answer of status ${status}, allowed: 0 and 1`);
    if (status === ANSWERED) pending?.settle(undefined, bytes.subarray(ANSWER_HEADER_BYTES));
    else pending?.settle(this.#error("refused", "the peer could not answer"));
  }

  /** The connection was replaced: what was asked on the old one is asked again. */
  repeat(): void {
    for (const { frame } of this.#pending.values()) this.#options.send(frame);
  }

  disconnect(): void {
    for (const { settle } of [...this.#pending.values()])
      settle(this.#error("disconnected", "the connection was closed"));
  }

  #wait(id: number, frame: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const settle: Pending["settle"] = (error, answer) => {
        if (!this.#pending.delete(id)) return;
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
        if (error) reject(error);
        else resolve(answer as Uint8Array);
      };
      const aborted = () => settle(this.#error("aborted", "was aborted"));
      const timedOut = () => settle(this.#error("timed-out", `no answer within ${timeoutMs} ms`));
      const timer = setTimeout(timedOut, timeoutMs);
      signal.addEventListener("abort", aborted, { once: true });
      this.#pending.set(id, { frame, settle });
    });
  }

  #error(code: RequestProblem, text: string): RequestError {
    return new RequestError(code, `request to ${this.#options.peer}: ${text}`);
  }
}

/** @throws DecodeError */
export function decodeQuestion(bytes: Uint8Array): { id: number; message: Uint8Array } {
  const id = new BinaryReader(bytes).u32();
  return { id, message: bytes.subarray(QUESTION_HEADER_BYTES) };
}

/** @param answer undefined when the node could not answer */
export function encodeAnswer(id: number, answer: Uint8Array | undefined): Uint8Array {
  const writer = new BinaryWriter(ANSWER_HEADER_BYTES + (answer?.length ?? 0));
  writer.u32(id).u8(answer ? ANSWERED : FAILED);
  return (answer ? writer.raw(answer) : writer).finish();
}
