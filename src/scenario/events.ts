import { type Edit, type ObjectRef, applyEdit } from "../cluster/edit.ts";
import { loadManifests } from "../cluster/load/load.ts";
import { problemText } from "../cluster/problem.ts";
import { type Who, findWho, isProblem, workloadKindOf } from "../sim/who.ts";
import type { World } from "../sim/world.ts";
import { runCommand } from "../sim/command-line.ts";
import type { ClusterInput } from "./input.ts";
import { type ReadFile, readNamed } from "./read-file.ts";
import type { Place, ScenarioEvent } from "./scenario.ts";

/** What an event can change. */
export interface EventContext {
  readonly world: World;
  readonly input: ClusterInput;
  readonly file: string;
  readonly readFile: ReadFile;
  /** The state that the last edit left; starts as the input's. */
  state: ClusterInput["state"];
}

/** An event that cannot be carried out: it names what does not exist. */
export class EventError extends Error {
  readonly code: string;
  readonly place: Place;

  constructor(code: string, event: ScenarioEvent, message: string) {
    super(message);
    this.code = code;
    this.place = event.place;
  }
}

/** Makes an event happen now. */
export function applyEvent(context: EventContext, event: ScenarioEvent): void {
  const { world, input } = context;
  switch (event.action) {
    case "apply": {
      const source = readNamed(context.readFile, context.file, event.path, event.place);
      if ("code" in source) throw new EventError(source.code, event, source.message);
      const { objects, problems } = loadManifests([source], { namespace: input.namespace });
      if (problems.some(({ severity }) => severity === "error")) {
        throw new EventError("BAD_MANIFEST", event, problems.map(problemText).join("\n"));
      }
      return edit(context, event, { kind: "apply", objects }, `${event.path} is applied`);
    }
    case "delete":
      return edit(
        context,
        event,
        { kind: "delete", target: target(context, event, event.object) },
        `${event.object} is deleted`,
      );
    case "scale": {
      const { replicas, workload } = event;
      const change: Edit = { kind: "scale", target: target(context, event, workload), replicas };
      return edit(context, event, change, `${workload} is scaled to ${replicas}`);
    }
    case "ready": {
      const { pod, ready } = event;
      const change: Edit = { kind: "set-ready", target: target(context, event, pod), ready };
      return edit(context, event, change, `${pod} becomes ${ready ? "ready" : "unready"}`);
    }
    case "kill": {
      const name = nodeName(context, event, event.node);
      world.kill(name);
      return world.recorder.event({ text: `node ${name} loses power; the control plane does not notice` });
    }
    case "stop": {
      const who = sender(context, event, event.on);
      if (who.kind !== "node")
        throw new EventError("BAD_EVENT", event, `${event.component} runs on a node, not on ${event.on}`);
      if (!world.node(who.node.metadata.name).stop(event.component)) {
        throw new EventError(
          "BAD_EVENT",
          event,
          `no component is called ${event.component}; there are kube-proxy and network-policy`,
        );
      }
      return world.recorder.event({ text: `${event.component} stops on ${event.on}` });
    }
    case "exec": {
      const problem = runCommand(world.namespaceOf(sender(context, event, event.on)), event.command);
      if (problem !== undefined) throw new EventError("BAD_COMMAND", event, problem);
      return world.recorder.event({ text: `on ${event.on}: ${event.command}` });
    }
  }
}

function edit(context: EventContext, event: ScenarioEvent, change: Edit, text: string): void {
  const { state, problems } = applyEdit(context.state, change);
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors[0])
    throw new EventError(errors[0].code, event, errors.map(({ message, fix }) => `${message}. ${fix}`).join(" "));
  context.state = state;
  context.world.recorder.event({ text });
  context.world.update(state.cluster);
}

const objectKinds: Readonly<Record<string, ObjectRef["kind"]>> = {
  pod: "Pod",
  po: "Pod",
  service: "Service",
  svc: "Service",
  networkpolicy: "NetworkPolicy",
  netpol: "NetworkPolicy",
  endpointslice: "EndpointSlice",
  node: "Node",
  no: "Node",
};

function target({ input }: EventContext, event: ScenarioEvent, text: string): ObjectRef {
  const parts = text.split("/");
  const [word = "", name = ""] = parts.slice(-2);
  const key = word.toLowerCase();
  const kind = workloadKindOf(key) ?? (Object.hasOwn(objectKinds, key) ? objectKinds[key] : undefined);
  if (kind === undefined || name === "")
    throw new EventError("BAD_EVENT", event, `\`${text}\` names no object; write NAMESPACE/KIND/NAME`);
  return { kind, name, namespace: kind === "Node" ? "" : parts.length === 3 ? (parts[0] as string) : input.namespace };
}

function sender({ world, input }: EventContext, event: ScenarioEvent, text: string): Who {
  const who = findWho(world.cluster, text, input.namespace);
  if (isProblem(who)) throw new EventError(who.code, event, who.message);
  return who;
}

/** `node/node-b`, or `node of kube-system/deploy/coredns`. */
function nodeName(context: EventContext, event: ScenarioEvent, text: string): string {
  const who = sender(context, event, text.replace(/^node of /, ""));
  if (who.kind === "node") return who.node.metadata.name;
  if (who.kind === "pod" && who.pod.spec.nodeName !== undefined) return who.pod.spec.nodeName;
  throw new EventError("BAD_EVENT", event, `\`${text}\` names no node`);
}
