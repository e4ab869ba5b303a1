import type { ConsensusEngine } from "../consensus/engine.ts";
import type { ConsensusTransport } from "../consensus/ports.ts";
import { toHex } from "../formats/bytes.ts";
import type { AddressBookStore } from "../network/options.ts";
import type { Network } from "../network/ports.ts";
import type { Storage } from "../storage/open.ts";

/** Consensus messages over the network. */
export function transportOver(network: Network): ConsensusTransport {
  return {
    broadcast: (channel, message, audience) => network.broadcast(channel, message, audience),
    send: (peer, channel, message) => network.send(peer, channel, message),
    request: (peer, message, signal) => network.request(peer, message, signal),
    connected: () => network.peers().map(({ publicKey }) => publicKey),
    block: (peer, reason) => network.ban(peer, reason),
  };
}

/** Hands consensus what comes from the network. */
export function deliverTo(engine: ConsensusEngine, network: Network): void {
  for (const channel of ["votes", "certificates", "blocks"] as const)
    network.onMessage(channel, (peer, message) => engine.receive(channel, peer, message));
  network.onRequest((peer, message) => engine.answer(peer, message));
  network.onPeers(({ peer, connected }) => {
    if (connected) engine.peerConnected(peer.publicKey);
  });
}

/** The network's address book in the data directory; how often a dial failed is not kept. */
export function addressBookIn({ addressBook }: Storage): AddressBookStore {
  return {
    load: () =>
      addressBook.load().map(({ record, lastSeen, ...peer }) => ({
        ...peer,
        ...(record.length > 0 && { record: toHex(record) }),
        lastSeenMs: lastSeen,
        failures: 0,
      })),
    save: (peers) =>
      addressBook.save(
        peers.map(({ publicKey, addresses, sequence, record = "", lastSeenMs }) => ({
          publicKey,
          addresses,
          sequence,
          record: new Uint8Array(Buffer.from(record, "hex")),
          lastSeen: lastSeenMs,
        })),
      ),
  };
}
