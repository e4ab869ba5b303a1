import type { FastifyInstance } from "fastify";
import type { ApiContext } from "../context.ts";
import { type Html, html, sendPage } from "../html.ts";
import { iso, presentStatus } from "../presentation.ts";

const REFRESH_SECONDS = 2;
const LISTED_BLOCKS = 10;
const LISTED_REPOSITORIES = 20;

/** GET /: what this node sees, as a page that needs no script. */
export async function dashboardRoute(
  app: FastifyInstance,
  { context }: { readonly context: ApiContext },
): Promise<void> {
  app.get("/", { schema: { hide: true } }, (_, reply) => {
    const { chainId } = context.chain.genesis;
    return sendPage(reply, {
      title: `${chainId} · block ${context.chain.tip().height}`,
      refreshSeconds: REFRESH_SECONDS,
      body: html`${head(context)} ${validators(context)} ${blocks(context)} ${repositories(context)}
        ${peers(context)}
        <footer>
          guts-node ${context.identity.nodeVersion} · <a href="/docs">API</a> · genesis
          <code>${context.chain.genesisHash}</code>
        </footer>`,
    });
  });
}

function head(context: ApiContext): Html {
  const status = presentStatus(context);
  const { checks, reasons } = readiness(context);
  const figures: readonly (readonly [string, Html | string | number])[] = [
    ["finalized height", status.finalized_height],
    ["last block", age(context.chain.tip().timestampMs)],
    ["view", `${status.view}, ${status.phase}`],
    ["leader", context.validators[context.consensus().leader]?.name ?? "none"],
    ["waiting transactions", status.pending_transactions],
    ["peers", status.peers_count],
    ["this node", `${status.role}, ${status.state}`],
    [
      "health",
      checks ? html`<span class="up">ready</span>` : html`<span class="down">not ready</span>`,
    ],
  ];
  const why = reasons.map((reason) => html`<p class="note">${reason}</p>`);
  const open = context.openWrites
    ? html`<p class="note">
        Open writes: requests from this machine may write without an account.
      </p>`
    : html``;
  return html`<h1>${status.chain_id}</h1>
    <p>
      ${status.purpose} · one block every ${status.block_interval_ms / 1000} s · ${status.quorum} of
      ${status.validators_count} validators decide
    </p>
    ${why} ${open}
    <dl>
      ${figures.map(
        ([term, value]) =>
          html`<div>
            <dt>${term}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>`;
}

function readiness({ health }: ApiContext): { checks: boolean; reasons: string[] } {
  const reasons = Object.values(health.checks()).flatMap(({ reason }) => reason ?? []);
  return { checks: reasons.length === 0, reasons };
}

function validators(context: ApiContext): Html {
  const connected = new Map(context.peers().map((peer) => [peer.publicKey, peer]));
  const activity = context.consensus().validators;
  const rows = context.validators.map(({ name, publicKey }, index) => {
    const peer = connected.get(publicKey);
    const self = publicKey === context.identity.publicKey;
    const seen = activity[index]?.lastSeenMs;
    const state = self
      ? html`<span class="up">this node</span>`
      : peer
        ? html`<span class="up">connected</span>`
        : html`<span class="down">not connected</span>`;
    return html`<tr>
      <td>${name}</td>
      <td>${state}</td>
      <td>${seen === undefined ? "not yet" : `${(seen / 1000).toFixed(1)} s ago`}</td>
      <td><code>${publicKey}</code></td>
    </tr>`;
  });
  return table("Validators", ["name", "state", "last vote", "public key"], rows);
}

function blocks(context: ApiContext): Html {
  const { chain } = context;
  const tip = chain.tip().height;
  const first = Math.max(0, tip - LISTED_BLOCKS + 1);
  const rows: Html[] = [];
  for (let height = tip; height >= first; height -= 1) {
    const block = chain.block(height);
    if (!block) continue;
    const leader = height === 0 ? "" : (context.validators[block.leader]?.name ?? "");
    const stored = chain.certificate(height);
    rows.push(
      html`<tr>
        <td><a href="/api/consensus/blocks/${height}">${height}</a></td>
        <td>${block.view}</td>
        <td>${leader}</td>
        <td>${block.transactionCount}</td>
        <td>${stored ? context.signers(stored.bytes).length : 0}</td>
        <td>${iso(block.timestampMs).slice(11, 23)}</td>
        <td><code>${block.digest}</code></td>
      </tr>`,
    );
  }
  const columns = ["height", "view", "leader", "transactions", "signatures", "time (UTC)", "id"];
  return table("Latest blocks", columns, rows);
}

function repositories({ chain }: ApiContext): Html {
  const { items, total } = chain.repositories({ offset: 0, limit: LISTED_REPOSITORIES });
  const rows = items.map(
    ({ owner, name, description, createdAtMs, createdHeight }) =>
      html`<tr>
        <td>
          <a href="/api/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}"
            >${owner}/${name}</a
          >
        </td>
        <td>${description}</td>
        <td>block ${createdHeight}, ${iso(createdAtMs)}</td>
      </tr>`,
  );
  const title = total > rows.length ? `Repositories (${rows.length} of ${total})` : "Repositories";
  return table(title, ["name", "description", "created"], rows);
}

function peers(context: ApiContext): Html {
  const rows = context.peers().map(
    (peer) =>
      html`<tr>
        <td>${peer.name ?? peer.peerId}</td>
        <td>${peer.role}</td>
        <td>${peer.transport}, ${peer.direction}</td>
        <td>${peer.height}</td>
        <td>${peer.roundTripMs === undefined ? "-" : `${peer.roundTripMs.toFixed(1)} ms`}</td>
        <td>${peer.nodeVersion}</td>
      </tr>`,
  );
  const columns = ["peer", "role", "transport", "height", "round trip", "version"];
  return table("Peers", columns, rows);
}

function table(title: string, columns: readonly string[], rows: readonly Html[]): Html {
  if (rows.length === 0)
    return html`<h2>${title}</h2>
      <p>None yet.</p>`;
  return html`<h2>${title}</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${columns.map((column) => html`<th>${column}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

function age(timestampMs: number): string {
  if (timestampMs === 0) return "none yet";
  return `${Math.max(0, (Date.now() - timestampMs) / 1000).toFixed(1)} s ago`;
}
