import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import { fromHex } from "../../formats/bytes.ts";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import * as schemas from "../schemas.ts";

const tags = ["consensus"];
const LISTED_TRANSACTIONS = 100;
const hexText = Type.String({ pattern: "^([0-9a-f]{2})+$" });
const submission = Type.Object({ transaction: hexText }, { title: "Submission" });
/** More would hold up votes: taking in one costs about a fifth of a millisecond. */
const MAX_BATCH = 50;
const batch = Type.Object(
  { transactions: Type.Array(hexText, { minItems: 1, maxItems: MAX_BATCH }) },
  { title: "Batch" },
);
const idParameter = Type.Object({ id: Type.String({ pattern: "^[0-9a-f]{64}$" }) });

/** Submission of signed transactions, and what became of them. */
export async function transactionRoutes(
  app: FastifyInstance,
  { context }: { readonly context: ApiContext },
): Promise<void> {
  readRoutes(app, context);
  app.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_, body, done) =>
    done(null, body),
  );
  app.post<{ Body: Static<typeof submission> | Buffer }>(
    "/api/consensus/transactions",
    {
      schema: {
        tags,
        summary: "Submits a signed transaction, encoded",
        description:
          'The encoding of a signed transaction: as `application/json` in hexadecimal, `{"transaction": "…"}`, ' +
          "or as `application/octet-stream` in bytes. 202 says that it waits for a block; ask for " +
          "its fate at `/api/consensus/transactions/{id}`.",
        body: {
          content: {
            "application/json": { schema: submission },
            "application/octet-stream": { schema: Type.Any() },
          },
        },
        response: schemas.answers({ 202: schemas.pendingWrite }),
      },
    },
    ({ body }, reply) => {
      const bytes = Buffer.isBuffer(body)
        ? body
        : fromHex(body.transaction, body.transaction.length / 2);
      const outcome = context.chain.submit(bytes, "local");
      if (!outcome.accepted) throw ApiError.of(outcome.problem, outcome.id);
      return reply.status(202).send({ transaction_id: outcome.id, accepted: true });
    },
  );
  batchRoute(app, context);
}

function batchRoute(app: FastifyInstance, { chain }: ApiContext): void {
  app.post<{ Body: Static<typeof batch> }>(
    "/api/consensus/transactions/batch",
    {
      schema: {
        tags,
        summary: `Submits up to ${MAX_BATCH} signed transactions`,
        description:
          "Each is taken or refused by itself; the answer has one result for each, in order. 429 when " +
          "there is no room for any of them.",
        body: batch,
        response: schemas.answers({ 202: schemas.batchResult }),
      },
    },
    ({ body: { transactions } }, reply) => {
      const outcomes = transactions.map((text) =>
        chain.submit(fromHex(text, text.length / 2), "local"),
      );
      const accepted = outcomes.filter((outcome) => outcome.accepted).length;
      const [first] = outcomes;
      if (accepted === 0 && first?.accepted === false && first.problem.code === "mempool-full")
        throw ApiError.of(first.problem);
      const results = outcomes.map((outcome) => ({
        ...(outcome.id !== undefined && { transaction_id: outcome.id }),
        accepted: outcome.accepted,
        ...(!outcome.accepted && {
          error: outcome.problem.code,
          message: outcome.problem.detail,
        }),
      }));
      return reply.status(202).send({ accepted, results });
    },
  );
}

function readRoutes(app: FastifyInstance, { chain }: ApiContext): void {
  app.get(
    "/api/consensus/mempool",
    {
      schema: {
        tags,
        summary: "Transactions that wait for a block",
        response: schemas.answers({ 200: schemas.mempool }),
      },
    },
    () => {
      const { size, bytes, ids } = chain.mempool();
      return { transaction_count: size, bytes, transactions: ids.slice(0, LISTED_TRANSACTIONS) };
    },
  );
  app.get<{ Params: Static<typeof idParameter> }>(
    "/api/consensus/transactions/:id",
    {
      schema: {
        tags,
        summary: "What became of a transaction",
        params: idParameter,
        response: schemas.answers({ 200: schemas.transactionStatus }),
      },
    },
    ({ params: { id } }) => {
      const status = chain.transaction(id);
      if (status.status === "unknown") throw new ApiError("transaction-not-found", id);
      return { transaction_id: id, ...status };
    },
  );
}
