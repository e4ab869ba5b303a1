/** Resource hooks: code of the program that runs around steps. */
import resourcePb from "@pulumi/pulumi/proto/resource_pb.js";
import type { HookArguments, HookRunner } from "../steps/deployment.ts";
import type { StepEvents } from "../steps/step-events.ts";
import { nameOf } from "../urn.ts";
import type { ValueMap } from "../values/value.ts";
import { encodeStruct } from "../values/wire.ts";
import type { Callback, CallbackClients } from "./callbacks.ts";

interface Hook {
  readonly callback: Callback;
  readonly onDryRun: boolean;
  readonly ignoreErrors: boolean;
}

const WIRE = { secrets: true, resources: true };

export class ProgramHooks implements HookRunner {
  readonly #callbacks: CallbackClients;
  readonly #events: StepEvents;
  readonly #preview: boolean;
  readonly #hooks = new Map<string, Hook>();
  readonly #errorHooks = new Map<string, Callback>();

  constructor(callbacks: CallbackClients, events: StepEvents, preview: boolean) {
    this.#callbacks = callbacks;
    this.#events = events;
    this.#preview = preview;
  }

  register(name: string, hook: Hook): void {
    if (this.#hooks.has(name))
      throw new Error(`resource hook already registered for name ${JSON.stringify(name)}`);
    this.#hooks.set(name, hook);
  }

  registerErrorHook(name: string, callback: Callback): void {
    if (this.#errorHooks.has(name))
      throw new Error(`error hook already registered for name ${JSON.stringify(name)}`);
    this.#errorHooks.set(name, callback);
  }

  async run({
    kind,
    state,
    newInputs,
    oldInputs,
    newOutputs,
    oldOutputs,
  }: HookArguments): Promise<void> {
    for (const name of state.resourceHooks[kind] ?? []) {
      const hook = this.#hooks.get(name);
      if (!hook) throw new Error(`resource hook ${JSON.stringify(name)} was not registered`);
      if (this.#preview && !hook.onDryRun) continue;
      const request = new resourcePb.ResourceHookRequest();
      request.setUrn(state.urn);
      request.setId(state.id);
      request.setName(nameOf(state.urn));
      request.setType(state.type);
      const set = (
        map: ValueMap | undefined,
        put: (struct: ReturnType<typeof encodeStruct>) => void,
      ): void => void (map && put(encodeStruct(map, WIRE)));
      set(newInputs, (s) => request.setNewInputs(s));
      set(oldInputs, (s) => request.setOldInputs(s));
      set(newOutputs, (s) => request.setNewOutputs(s));
      set(oldOutputs, (s) => request.setOldOutputs(s));
      const response = resourcePb.ResourceHookResponse.deserializeBinary(
        await this.#callbacks.invoke(hook.callback, request.serializeBinary()),
      );
      if (!response.getError()) continue;
      const message = `${kind.startsWith("Before") ? "before" : "after"} hook ${JSON.stringify(name)} failed: ${response.getError()}`;
      if (!hook.ignoreErrors) throw new Error(message);
      this.#events.diagnostic({ severity: "warning", urn: state.urn, message });
    }
  }

  async retry({
    state,
    newInputs,
    oldInputs,
    oldOutputs,
    failures,
    operation,
  }: HookArguments): Promise<boolean> {
    let again = false;
    for (const name of state.resourceHooks.OnError ?? []) {
      const callback = this.#errorHooks.get(name);
      if (!callback) throw new Error(`error hook ${JSON.stringify(name)} was not registered`);
      const request = new resourcePb.ErrorHookRequest();
      request.setUrn(state.urn);
      request.setId(state.id);
      request.setName(nameOf(state.urn));
      request.setType(state.type);
      if (newInputs) request.setNewInputs(encodeStruct(newInputs, WIRE));
      if (oldInputs) request.setOldInputs(encodeStruct(oldInputs, WIRE));
      if (oldOutputs) request.setOldOutputs(encodeStruct(oldOutputs, WIRE));
      request.setFailedOperation(operation ?? "");
      request.setErrorsList([...(failures ?? [])]);
      const response = resourcePb.ErrorHookResponse.deserializeBinary(
        await this.#callbacks.invoke(callback, request.serializeBinary()),
      );
      if (response.getError())
        throw new Error(`error hook ${JSON.stringify(name)} failed: ${response.getError()}`);
      again ||= response.getRetry();
    }
    return again;
  }
}
