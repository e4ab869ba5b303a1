/** Calls from the engine into the program: transforms and hooks. */
import * as grpc from "@grpc/grpc-js";
import callbackGrpc from "@pulumi/pulumi/proto/callback_grpc_pb.js";
import callbackPb from "@pulumi/pulumi/proto/callback_pb.js";
import { call, CHANNEL_OPTIONS } from "../plugins/rpc.ts";

export type Callback = InstanceType<typeof callbackPb.Callback>;
type Client = InstanceType<typeof callbackGrpc.CallbacksClient>;

export class CallbackClients {
  readonly #clients = new Map<string, Client>();

  async invoke(callback: Callback, request: Uint8Array): Promise<Uint8Array> {
    const target = callback.getTarget();
    let client = this.#clients.get(target);
    if (!client) {
      client = new callbackGrpc.CallbacksClient(
        target,
        grpc.credentials.createInsecure(),
        CHANNEL_OPTIONS,
      );
      this.#clients.set(target, client);
    }
    const message = new callbackPb.CallbackInvokeRequest();
    message.setToken(callback.getToken());
    message.setRequest(request);
    return (
      await call<typeof message, InstanceType<typeof callbackPb.CallbackInvokeResponse>>(
        client,
        client.invoke as never,
        message,
      )
    ).getResponse_asU8();
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}
