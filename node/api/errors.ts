import type { TransactionProblem, TransactionProblemCode } from "../chain/ports.ts";

interface ErrorEntry {
  readonly status: number;
  readonly message: string;
  readonly cause: string;
  readonly fix: string;
}

/** Every error of the HTTP API; docs/errors.md is made from this table. */
export const apiErrors = {
  "invalid-request": {
    status: 400,
    message: "the request is not of the documented form",
    cause:
      "A parameter or the body has another type or another range than the OpenAPI document says.",
    fix: "Compare the request with /docs; the message names the field.",
  },
  malformed: {
    status: 400,
    message: "the transaction cannot be decoded",
    cause: "The bytes are not the canonical encoding of a signed transaction.",
    fix: "Encode the transaction as documented, and send it whole.",
  },
  "bad-signature": {
    status: 400,
    message: "the signature of the transaction is not valid",
    cause: "The signature does not verify under the key that the transaction names.",
    fix: "Sign the transaction with that key, for this chain.",
  },
  "wrong-chain": {
    status: 400,
    message: "the transaction is for another chain",
    cause: "The genesis hash in the transaction is not the one of this node.",
    fix: "Take genesis_hash from /api/consensus/status and sign again.",
  },
  expired: {
    status: 400,
    message: "the transaction is not valid at this height",
    cause: "Its last valid height lies behind the chain, or too far ahead of it.",
    fix: "Sign again with a newer height from /api/consensus/status.",
  },
  "foreign-origin": {
    status: 403,
    message: "open writes are for programs on this machine, not for web pages of others",
    cause: "The Origin or Host header names something else than this node's loopback address.",
    fix: "Call the node by 127.0.0.1 or localhost, from a program or from its own pages.",
  },
  "writes-need-transaction": {
    status: 403,
    message: "this node takes only signed writes",
    cause: "Open writes are off, so a request without a signature cannot change anything.",
    fix: "Send a signed transaction to POST /api/consensus/transactions.",
  },
  "unknown-account": {
    status: 403,
    message: "there is no such account",
    cause: "The transaction is signed for an account that the chain does not know.",
    fix: "Create the account first, or correct its name.",
  },
  "unknown-key": {
    status: 403,
    message: "the account has no such key",
    cause: "The signing key was never added to the account, or was removed.",
    fix: "Sign with a key of the account.",
  },
  "not-permitted": {
    status: 403,
    message: "the account may not do this",
    cause: "Only an owner may change what belongs to the account.",
    fix: "Sign as the owner.",
  },
  "not-found": {
    status: 404,
    message: "there is nothing at this path",
    cause: "The path or the method is not part of the API.",
    fix: "See /docs for the paths there are.",
  },
  "block-not-found": {
    status: 404,
    message: "there is no finalized block at this height",
    cause: "The height lies ahead of the chain as this node knows it.",
    fix: "Ask for a height up to finalized_height of /api/consensus/status.",
  },
  "repository-not-found": {
    status: 404,
    message: "there is no such repository",
    cause: "It was never created, or the owner or name is spelled differently.",
    fix: "See GET /api/repos for the repositories there are.",
  },
  "transaction-not-found": {
    status: 404,
    message: "the transaction is not known here",
    cause: "It was not submitted, or another node has it and did not pass it on yet.",
    fix: "Ask again a moment later, or submit it to this node.",
  },
  "account-exists": {
    status: 409,
    message: "the account already exists",
    cause: "An account of this name was created before.",
    fix: "Choose another name.",
  },
  "key-exists": {
    status: 409,
    message: "the key already belongs to an account",
    cause: "One key signs for one account only.",
    fix: "Use another key.",
  },
  "last-key": {
    status: 409,
    message: "the last key of an account cannot be removed",
    cause: "Nobody could sign for the account any more.",
    fix: "Add another key first.",
  },
  "repository-exists": {
    status: 409,
    message: "the repository already exists",
    cause: "A repository of this owner and name was created before.",
    fix: "Choose another name, or use the one that is there.",
  },
  duplicate: {
    status: 409,
    message: "the transaction was submitted before",
    cause: "The same transaction waits in the mempool or is in a block.",
    fix: "Ask for it at GET /api/consensus/transactions/{id}.",
  },
  "body-too-large": {
    status: 413,
    message: "the body is too large",
    cause: "The body has more bytes than the setting max-body-bytes allows.",
    fix: "Send less, or raise max-body-bytes.",
  },
  "too-large": {
    status: 413,
    message: "the transaction is too large",
    cause: "A transaction has to fit into a block beside others.",
    fix: "Shorten its texts.",
  },
  "unsupported-media-type": {
    status: 415,
    message: "the content type is not one this path takes",
    cause: "The Content-Type header is missing or names another format.",
    fix: "Send application/json, or what /docs names for the path.",
  },
  "invalid-name": {
    status: 422,
    message: "the name is not allowed",
    cause: "Names have a fixed set of characters and a largest length.",
    fix: "Use letters, digits, and single -, _ or . between them; the message says what is wrong.",
  },
  "invalid-value": {
    status: 422,
    message: "a value is not allowed",
    cause: "A field is of the right type but outside of what the chain accepts.",
    fix: "The message names the field and what is allowed.",
  },
  "rate-limited": {
    status: 429,
    message: "too many requests from this address",
    cause: "The address sent more requests than the setting rate-limit allows.",
    fix: "Wait for the seconds in the Retry-After header.",
  },
  "mempool-full": {
    status: 429,
    message: "too many transactions wait for a block",
    cause: "The mempool is full, or this account has too many transactions in it.",
    fix: "Send the transaction again a few blocks later.",
  },
  "too-many-event-streams": {
    status: 429,
    message: "too many event streams are open",
    cause: "As many streams are open as the setting max-event-streams allows.",
    fix: "Close one, use another node, or raise max-event-streams.",
  },
  internal: {
    status: 500,
    message: "the node failed to answer",
    cause: "A bug, or a failing disk. The log has the details under the same request id.",
    fix: "Look into the log of the node for the request id.",
  },
  "shutting-down": {
    status: 503,
    message: "the node is stopping",
    cause: "It was asked to stop and finishes what it began.",
    fix: "Use another node, or wait until it is started again.",
  },
} as const satisfies Record<TransactionProblemCode, ErrorEntry> & Record<string, ErrorEntry>;

export type ApiErrorCode = keyof typeof apiErrors;

/** Thrown by a route; the error handler turns it into the answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  /** Sent along with the error, such as a transaction id. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(code: ApiErrorCode, detail?: string, fields: Readonly<Record<string, string>> = {}) {
    super(detail ? `${apiErrors[code].message}: ${detail}` : apiErrors[code].message);
    this.code = code;
    this.fields = fields;
  }

  get status(): number {
    return apiErrors[this.code].status;
  }

  static of(problem: TransactionProblem, id?: string): ApiError {
    return new ApiError(
      problem.code,
      problem.detail,
      id === undefined ? {} : { transaction_id: id },
    );
  }
}

/** The reference page of errors, as Markdown. */
export function renderErrorPage(table: Readonly<Record<string, ErrorEntry>>): string {
  const entries = Object.entries(table).map(
    ([code, { status, message, cause, fix }]) =>
      `## ${code}\n\n**${status}**: ${message}.\n\n- Cause: ${cause}\n- What to do: ${fix}\n`,
  );
  return `# Errors of the HTTP API

<!-- Made by \`guts-node reference errors\`. -->

An error is answered with its status and a JSON body:

\`\`\`json
{ "error": "repository-exists", "message": "…", "requestId": "…" }
\`\`\`

\`error\` is one of the codes below and does not change between releases; \`message\` is for people. \`requestId\`
is also in the \`x-request-id\` header and in the log of the node.

${entries.join("\n")}`;
}
