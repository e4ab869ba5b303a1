import type { MessageStream, StreamMuxerFactory } from "@libp2p/interface";
import { yamux } from "@libp2p/yamux";

/** No pausing happens, and reading is immediate, so these only bound what is on the way. */
const yamuxOptions = {
  maxInboundStreams: 32,
  maxOutboundStreams: 32,
  streamOptions: {
    maxStreamWindowSize: 4 * 1024 * 1024,
    maxWriteBufferLength: 8 * 1024 * 1024,
  },
};

/**
 * Yamux opens a stream by a write in a microtask of its own. When the connection was closed in the
 * same moment that write throws where nobody can catch it, and ends the process. The end of the
 * connection is reported by its close event anyway, so the throw is swallowed.
 */
export function containedYamux(): StreamMuxerFactory {
  const factory = yamux(yamuxOptions)();
  return {
    protocol: factory.protocol,
    createStreamMuxer: (connection: MessageStream) => {
      const muxer = factory.createStreamMuxer(connection);
      const send = muxer.send.bind(muxer);
      muxer.send = (data) => {
        try {
          return send(data);
        } catch {
          return false;
        }
      };
      return muxer;
    },
  };
}
