import { type Static, type TSchema, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import { toHex } from "../../formats/bytes.ts";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import { iso, presentBlock, presentStatus } from "../presentation.ts";
import * as schemas from "../schemas.ts";

const tags = ["consensus"];
const MAX_BLOCKS = 100;

const listQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: MAX_BLOCKS, default: 10 }),
  before: Type.Optional(Type.Integer({ minimum: 0, description: "Only blocks below this height" })),
});
const heightParameter = Type.Object({
  height: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
});

/** Reading of the chain and of consensus. */
export async function consensusRoutes(
  app: FastifyInstance,
  { context }: { readonly context: ApiContext },
): Promise<void> {
  statusRoutes(app, context);
  blockRoutes(app, context);
}

function statusRoutes(app: FastifyInstance, context: ApiContext): void {
  const get = (url: string, summary: string, answer: TSchema, handler: () => unknown) =>
    app.get(
      url,
      { schema: { tags, summary, response: schemas.answers({ 200: answer }) } },
      handler,
    );
  get("/api/consensus/status", "Where consensus stands on this node", schemas.status, () =>
    presentStatus(context),
  );
  get("/api/consensus/validators", "The validator set", schemas.validatorSet, () =>
    presentValidators(context),
  );
  get("/api/consensus/evidence", "Proven faults of validators", schemas.evidence, () => ({
    items: context.evidence().map(({ kind, signer, view, bytes }) => ({
      kind,
      signer,
      name: context.validators.find(({ publicKey }) => publicKey === signer)?.name ?? "",
      view,
      evidence: toHex(bytes),
    })),
  }));
}

function presentValidators(context: ApiContext) {
  const { epoch, quorum, validators: activity } = context.consensus();
  const connected = new Set(context.peers().map(({ publicKey }) => publicKey));
  connected.add(context.identity.publicKey);
  const now = Date.now();
  return {
    epoch,
    total_weight: context.validators.reduce((sum, { weight }) => sum + weight, 0),
    quorum_weight: quorum,
    validator_count: context.validators.length,
    validators: context.validators.map(({ name, publicKey, weight, address }, index) => {
      const seen = activity[index]?.lastSeenMs;
      return {
        name,
        pubkey: publicKey,
        weight,
        addr: address,
        active: connected.has(publicKey),
        last_seen: seen === undefined ? null : iso(now - seen),
      };
    }),
  };
}

function blockRoutes(app: FastifyInstance, context: ApiContext): void {
  const { chain } = context;
  const found = (height: number) => {
    const block = chain.block(height);
    if (block) return block;
    throw new ApiError("block-not-found", `got ${height}, allowed: 0 to ${chain.tip().height}`);
  };
  app.get<{ Querystring: Static<typeof listQuery> }>(
    "/api/consensus/blocks",
    {
      schema: {
        tags,
        summary: "Newest finalized blocks, in ascending order",
        querystring: listQuery,
        response: schemas.answers({ 200: Type.Array(schemas.block) }),
      },
    },
    ({ query: { limit, before } }) => {
      const end = Math.min(before ?? Infinity, chain.tip().height + 1);
      const start = Math.max(0, end - limit);
      return Array.from({ length: Math.max(0, end - start) }, (_, i) => chain.block(start + i))
        .filter((block) => block !== undefined)
        .map((block) => presentBlock(context, block));
    },
  );
  app.get<{ Params: Static<typeof heightParameter> }>(
    "/api/consensus/blocks/:height",
    {
      schema: {
        tags,
        summary: "One finalized block with the identifiers of its transactions",
        params: heightParameter,
        response: schemas.answers({ 200: schemas.block }),
      },
    },
    ({ params: { height } }) => ({
      ...presentBlock(context, found(height)),
      transactions: chain.blockTransactions(height),
    }),
  );
  app.get<{ Params: Static<typeof heightParameter> }>(
    "/api/consensus/blocks/:height/certificate",
    {
      schema: {
        tags,
        summary: "The finalization stored with a block",
        params: heightParameter,
        response: schemas.answers({ 200: schemas.certificate }),
      },
    },
    ({ params: { height } }) => {
      const block = found(height);
      const stored = chain.certificate(height);
      if (!stored) throw new ApiError("block-not-found", "genesis has no certificate");
      const signers = context.signers(stored.bytes);
      const bitmap = context.validators.map((_, index) => (signers.includes(index) ? "1" : "0"));
      return {
        height,
        block_id: block.digest,
        certifies: stored.certifies,
        signers,
        bitmap: bitmap.join(""),
        signature_count: signers.length,
        certificate: toHex(stored.bytes),
      };
    },
  );
}
