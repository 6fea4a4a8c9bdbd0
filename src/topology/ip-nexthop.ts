import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { NextHopSpec, RouteSpec } from "../kernel/routes.ts";
import type { CommandWords } from "./command-words.ts";

type NexthopObject = Pick<RouteSpec, "type" | "via" | "device" | "onlink" | "nexthops">;

/** Nexthop objects by number. Routes hold what they stand for, so only commands ask for them. */
const objects = new WeakMap<NetworkNamespace, Map<number, NexthopObject>>();

/** What a route with `nhid ID` stands for. */
export function nexthopObject(ns: NetworkNamespace, id: number): NexthopObject | undefined {
  return objects.get(ns)?.get(id);
}

/** `ip nexthop add|replace|delete id ID ...`. Resilient groups are not modelled. ip-nexthop(8). */
export function runNexthop(ns: NetworkNamespace, command: CommandWords): void {
  const verb = command.keyword(["add", "replace", "delete"]);
  if (command.next() !== "id") return command.fail("a nexthop has an id");
  const id = command.number();
  let known = objects.get(ns);
  if (known === undefined) objects.set(ns, (known = new Map()));
  if (verb === "delete") known.delete(id);
  else known.set(id, readObject(ns, command));
}

function readObject(ns: NetworkNamespace, command: CommandWords): NexthopObject {
  const object: { -readonly [K in keyof NexthopObject]?: NexthopObject[K] } = {};
  while (command.more) {
    const option = command.next();
    if (option === "via") object.via = command.address();
    else if (option === "dev") object.device = command.next("a device");
    else if (option === "onlink") object.onlink = true;
    else if (option === "blackhole") object.type = "blackhole";
    else if (option === "group") object.nexthops = readGroup(ns, command);
    else if (option === "proto" || option === "scope") command.next();
    else command.fail(`${option} is not an option of ip nexthop that is modelled`);
  }
  return object;
}

/** `1,3/2`: ids, weight 2 for the second. */
function readGroup(ns: NetworkNamespace, command: CommandWords): NextHopSpec[] {
  return command
    .next("nexthop ids")
    .split("/")
    .map((member) => {
      const [id = "", weight = "1"] = member.split(",");
      const object = nexthopObject(ns, Number(id)) ?? command.fail(`there is no nexthop ${id}`);
      const { via, device, onlink } = object;
      return {
        ...(via !== undefined && { via }),
        ...(device !== undefined && { device }),
        ...(onlink === true && { onlink }),
        weight: Number(weight),
      };
    });
}
