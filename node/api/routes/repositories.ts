import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import { refuseForeign } from "../origin.ts";
import { presentRepository } from "../presentation.ts";
import * as schemas from "../schemas.ts";

const tags = ["repositories"];
/** Without paging the answer is a bare list, as clients of the first version expect it. */
const UNPAGED_LIMIT = 1000;
const MAX_PER_PAGE = 100;

const listQuery = Type.Object({
  owner: Type.Optional(Type.String({ maxLength: 200 })),
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  per_page: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PER_PAGE })),
});
const nameParameters = Type.Object({
  owner: Type.String({ maxLength: 200 }),
  name: Type.String({ maxLength: 200 }),
});

interface Options {
  readonly context: ApiContext;
  /** Aborted when the node drains: waiting writes then answer with their transaction. */
  readonly stopping: AbortSignal;
}

export async function repositoryRoutes(app: FastifyInstance, options: Options): Promise<void> {
  readRoutes(app, options.context);
  app.post<{ Body: Static<typeof schemas.newRepository> }>(
    "/api/repos",
    {
      schema: {
        tags,
        summary: "Creates a repository",
        description:
          "Only with open writes, on a devnet: the node signs with the devnet account. Answers 201 " +
          "after finalization, or 202 with the transaction at once with `Prefer: respond-async`, " +
          "and when the time of the setting write-timeout has passed.",
        body: schemas.newRepository,
        response: schemas.answers({ 201: schemas.repository, 202: schemas.pendingWrite }),
      },
    },
    (request, reply) => create(options, request, reply),
  );
}

function readRoutes(app: FastifyInstance, { chain }: ApiContext): void {
  app.get<{ Querystring: Static<typeof listQuery> }>(
    "/api/repos",
    {
      schema: {
        tags,
        summary: "Repositories, ordered by owner and name",
        description:
          `A bare list of at most ${UNPAGED_LIMIT}, or, when page or per_page is given, one page ` +
          "with its place among all.",
        querystring: listQuery,
        response: schemas.answers({ 200: schemas.repositoryList }),
      },
    },
    ({ query: { owner, page, per_page } }) => {
      const of = owner === undefined ? {} : { owner };
      if (page === undefined && per_page === undefined) {
        const all = chain.repositories({ ...of, offset: 0, limit: UNPAGED_LIMIT });
        return all.items.map(presentRepository);
      }
      const [number, size] = [page ?? 1, per_page ?? 30];
      const found = chain.repositories({ ...of, offset: (number - 1) * size, limit: size });
      const pages = Math.ceil(found.total / size);
      return {
        items: found.items.map(presentRepository),
        total_count: found.total,
        page: number,
        per_page: size,
        total_pages: pages,
        has_next: number < pages,
        has_prev: number > 1,
      };
    },
  );
  app.get<{ Params: Static<typeof nameParameters> }>(
    "/api/repos/:owner/:name",
    {
      schema: {
        tags,
        summary: "One repository",
        params: nameParameters,
        response: schemas.answers({ 200: schemas.repository }),
      },
    },
    ({ params: { owner, name } }) => {
      const repository = chain.repository(owner, name);
      if (!repository) throw new ApiError("repository-not-found", `${owner}/${name}`);
      return presentRepository(repository);
    },
  );
}

async function create(
  { context, stopping }: Options,
  request: FastifyRequest<{ Body: Static<typeof schemas.newRepository> }>,
  reply: FastifyReply,
) {
  const { openWrites, chain, settings } = context;
  if (!openWrites) throw new ApiError("writes-need-transaction");
  refuseForeign(request);
  const { owner, name, description = "", object_format = "sha1" } = request.body;
  if (chain.repository(owner, name)) throw new ApiError("repository-exists", `${owner}/${name}`);
  const wanted = { owner, name, description, private: request.body.private ?? false };
  const transaction = openWrites.createRepository({ ...wanted, objectFormat: object_format });
  const outcome = chain.submit(transaction, "local");
  if (!outcome.accepted) throw ApiError.of(outcome.problem, outcome.id);

  const { id } = outcome;
  const pending = () =>
    reply
      .status(202)
      .header("location", `/api/consensus/transactions/${id}`)
      .send({ transaction_id: id, accepted: true });
  if (/\brespond-async\b/i.test(String(request.headers.prefer ?? ""))) return pending();
  const timeout = AbortSignal.timeout(settings.writeTimeout);
  const settled = await chain.settled(id, AbortSignal.any([timeout, stopping])).catch((error) => {
    if (timeout.aborted || stopping.aborted) return undefined;
    throw error as Error;
  });
  if (!settled) return pending();
  if ("problem" in settled && settled.problem) throw ApiError.of(settled.problem, id);
  const repository = chain.repository(owner, name);
  if (!repository) throw new Error(`transaction ${id} is ${settled.status} without its repository`);
  return reply
    .status(201)
    .header("location", `/api/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`)
    .send(presentRepository(repository));
}
