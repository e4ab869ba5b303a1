import { DecodeError } from "../formats/binary.ts";
import { equalBytes, fromHex, toHex } from "../formats/bytes.ts";
import type { Clock } from "./clock.ts";
import type { Delivery } from "./delivery.ts";
import { type Certificate, decodeCertificate, largestCertificateBytes } from "./messages.ts";
import { neededCertificates } from "./needs.ts";
import { type Assignment, type Need, RequestPlanner } from "./planner.ts";
import type { Application, ConsensusTransport } from "./ports.ts";
import {
  type ConsensusRequest,
  decodeCertificates,
  decodeRange,
  encodeRequest,
} from "./requests.ts";
import type { Simplex } from "./simplex.ts";
import type { BlockTasks } from "./tasks.ts";
import type { Timing } from "./timers.ts";
import type { ValidatorSet } from "./validators.ts";

export interface FetcherHost {
  readonly simplex: Simplex;
  readonly validators: ValidatorSet;
  readonly timing: Timing;
  readonly tasks: BlockTasks;
  readonly delivery: Delivery;
  readonly application: Application;
  readonly transport: ConsensusTransport;
  readonly clock: Clock;
  readonly maxBlockBytes: number;
  /** Whether to ask for the newest certificates: nothing was final for a while, or we recover. */
  readonly stale: () => boolean;
  receivedCertificate(peer: string, certificate: Certificate): void;
  receivedBlock(digest: Uint8Array): void;
  /** The peer told its newest certificates, all of which were handed over. */
  toldLatest(peer: string): void;
  misbehaved(peer: string, reason: string): void;
  requested(kind: "certificate" | "block" | "range", ok: boolean): void;
}

const REQUEST_TIMEOUT_MS = 2000;

/** Fetches what consensus and delivery miss: certificates by view, blocks by digest or by height. */
export class Fetcher {
  readonly #host: FetcherHost;
  /** What may be on its way already. */
  readonly #patient: RequestPlanner;
  readonly #urgent: RequestPlanner;
  readonly #aborts = new Set<AbortController>();
  #cancelWake: (() => void) | undefined;
  #wakeAt: number | undefined;
  #stopped = false;

  constructor(host: FetcherHost) {
    this.#host = host;
    const { leaderMs, nullifyRetryMs } = host.timing;
    const delayMs = Math.min(250, leaderMs / 8);
    const retryMs = Math.min(1000, nullifyRetryMs);
    this.#patient = new RequestPlanner({ parallel: 16, delayMs, retryMs });
    this.#urgent = new RequestPlanner({ parallel: 8, delayMs: 0, retryMs });
  }

  /** Sends the requests that are due; called whenever needs may have changed. */
  poke(): void {
    if (this.#stopped) return;
    const now = this.#host.clock.now();
    const all = this.#host.transport.connected();
    const validators = all.filter((peer) => this.#host.validators.indexOf(peer) !== undefined);
    const proving = validators.length > 0 ? validators : all;
    const patient = this.#patient.plan(now, this.#patientNeeds(), proving);
    const urgent = this.#urgent.plan(now, this.#urgentNeeds(), all);
    for (const assignment of patient) this.#send(this.#patient, assignment);
    for (const assignment of urgent) this.#send(this.#urgent, assignment);
    this.#scheduleWake(now);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWake?.();
    for (const controller of this.#aborts) controller.abort();
  }

  #patientNeeds(): Need[] {
    const { simplex, validators, tasks, delivery } = this.#host;
    const leaderKey = (leader: number | undefined) =>
      leader === undefined ? undefined : validators.keyAt(leader);
    const needs = new Map<string, Need>();
    const want = (key: string, prefer: string | undefined) => {
      if (!needs.has(key)) needs.set(key, { key, prefer });
    };
    for (const { view, leader } of neededCertificates(simplex))
      want(`certificates ${view}`, leaderKey(leader));
    if (delivery.missing !== undefined) want(`block ${toHex(delivery.missing)}`, undefined);
    // While the chain is far behind, blocks on top of it could not be judged anyway.
    if (!delivery.catchingUp)
      for (const { digest, leader } of tasks.missing())
        want(`block ${toHex(digest)}`, leaderKey(leader));
    return [...needs.values()];
  }

  #urgentNeeds(): Need[] {
    const { delivery } = this.#host;
    const needs: Need[] = [];
    if (delivery.missingFrom !== undefined)
      needs.push({ key: `range ${delivery.missingFrom}`, prefer: undefined });
    if (this.#host.stale()) needs.push({ key: "latest", prefer: undefined });
    return needs;
  }

  #scheduleWake(now: number): void {
    const at = [this.#patient.nextAt(now), this.#urgent.nextAt(now)]
      .filter((time) => time !== undefined)
      .reduce<number | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
    if (at === this.#wakeAt) return;
    this.#cancelWake?.();
    this.#wakeAt = at;
    this.#cancelWake = undefined;
    if (at === undefined) return;
    this.#cancelWake = this.#host.clock.after(at - now, () => {
      this.#wakeAt = undefined;
      this.poke();
    });
  }

  #send(planner: RequestPlanner, assignment: Assignment): void {
    const { transport, clock } = this.#host;
    const request = parseKey(assignment.key);
    const controller = new AbortController();
    this.#aborts.add(controller);
    const cancel = clock.after(REQUEST_TIMEOUT_MS, () => controller.abort());
    const ended = (ok: boolean) => {
      cancel();
      this.#aborts.delete(controller);
      planner.ended(assignment);
      if (this.#stopped) return;
      this.#host.requested(kindOf(request), ok);
      this.poke();
    };
    transport
      .request(assignment.peer, encodeRequest(request), controller.signal)
      .then((answer) => (this.#stopped ? false : this.#take(assignment.peer, request, answer)))
      .then(ended, (error: unknown) => {
        if (error instanceof DecodeError)
          this.#host.misbehaved(assignment.peer, `sent a bad answer: ${error.message}`);
        ended(false);
      });
  }

  /** Whether the answer brought anything. @throws DecodeError */
  async #take(peer: string, request: ConsensusRequest, answer: Uint8Array): Promise<boolean> {
    if (answer.length === 0) return false;
    if (request.type === "block") return this.#takeBlock(peer, request.digest, answer);
    if (request.type === "range") return this.#takeRange(peer, answer);
    const { size } = this.#host.validators;
    const encoded = decodeCertificates(answer, largestCertificateBytes(size));
    for (const bytes of encoded)
      this.#host.receivedCertificate(peer, decodeCertificate(bytes, size));
    if (request.type === "latest") this.#host.toldLatest(peer);
    return encoded.length > 0;
  }

  #takeBlock(peer: string, wanted: Uint8Array, answer: Uint8Array): boolean {
    const digest = this.#host.application.receive(answer);
    if (digest === undefined || !equalBytes(digest, wanted)) {
      this.#host.misbehaved(peer, "sent another block than was asked for");
      return false;
    }
    this.#host.receivedBlock(digest);
    return true;
  }

  async #takeRange(peer: string, answer: Uint8Array): Promise<boolean> {
    const { validators, maxBlockBytes, delivery } = this.#host;
    const limit = largestCertificateBytes(validators.size);
    const entries = decodeRange(answer, limit, maxBlockBytes);
    const problem = await delivery.takeRange(entries);
    if (problem !== undefined) this.#host.misbehaved(peer, `sent a bad range: ${problem}`);
    return entries.length > 0 && problem === undefined;
  }
}

function parseKey(key: string): ConsensusRequest {
  const [type, value = ""] = key.split(" ");
  switch (type) {
    case "certificates":
      return { type, view: Number(value) };
    case "block":
      return { type, digest: fromHex(value, 32) };
    case "range":
      return { type, from: Number(value) };
    default:
      return { type: "latest" };
  }
}

function kindOf({ type }: ConsensusRequest): "certificate" | "block" | "range" {
  return type === "block" || type === "range" ? type : "certificate";
}
