import type { Node as YamlNode } from "yaml";
import type { Reader } from "./reader.ts";
import type { EventAction, ScenarioEvent } from "./scenario.ts";

type Members = ReadonlyMap<string, YamlNode>;

const verbs = ["apply", "delete", "scale", "ready", "unready", "kill", "stop", "exec"] as const;

/** Reads one entry of `events`: a time and exactly one verb. */
export function readEvent(reader: Reader, node: YamlNode): ScenarioEvent | undefined {
  const members = reader.members(node, "an event", ["at", "on", "replicas", ...verbs]);
  const atNanos = reader.duration(members.get("at"), "at") ?? 0;
  const given = verbs.filter((verb) => members.has(verb));
  const [verb] = given;
  if (verb === undefined || given.length > 1) {
    return reader.problem("BAD_EVENT", node, `an event has exactly one of ${verbs.join(", ")}`);
  }
  const value = reader.string(members.get(verb), `event.${verb}`);
  if (value === undefined) return undefined;
  const action = actionOf(reader, node, members, verb, value);
  return action && { atNanos, place: reader.place(node), ...action };
}

function actionOf(
  reader: Reader,
  node: YamlNode,
  members: Members,
  verb: (typeof verbs)[number],
  value: string,
): EventAction | undefined {
  switch (verb) {
    case "apply":
      return { action: "apply", path: value };
    case "delete":
      return { action: "delete", object: value };
    case "scale": {
      const replicas = reader.integer(members.get("replicas"), "event.replicas");
      if (replicas === undefined || replicas < 0)
        return reader.problem("BAD_EVENT", node, "`scale` needs `replicas`, 0 or more");
      return { action: "scale", workload: value, replicas };
    }
    case "ready":
    case "unready":
      return { action: "ready", pod: value, ready: verb === "ready" };
    case "kill":
      return { action: "kill", node: value };
    case "stop":
    case "exec": {
      const on = reader.string(members.get("on"), "event.on");
      if (on === undefined)
        return reader.problem("BAD_EVENT", node, `\`${verb}\` needs \`on\`: node/NAME or NAMESPACE/pod/NAME`);
      return verb === "stop" ? { action: "stop", component: value, on } : { action: "exec", on, command: value };
    }
  }
}
