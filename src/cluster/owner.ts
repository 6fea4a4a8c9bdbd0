import type { Owner } from "../trace/records.ts";
import { pathText } from "./decode/reader.ts";
import { type Path, makerOf, originOf } from "./load/origin.ts";
import type { KubernetesObject } from "./objects.ts";

/** The owner (with its manifest line) of an object, or of the part of it at `path`. */
export function ownerOf(object: KubernetesObject, path: Path = []): Owner {
  const { namespace, name } = object.metadata;
  const detail = detailOf(object, path);
  const origin = originOf(object, inputPath(object, path));
  return {
    kind: object.kind === "Unmodelled" ? object.apiKind : object.kind,
    ...(namespace !== "" && { namespace }),
    name,
    ...(detail !== "" && { detail }),
    ...(origin && { origin }),
  };
}

function detailOf(object: KubernetesObject, path: Path): string {
  const index = path[2];
  if (object.kind === "Service" && path.length === 3 && path[1] === "ports" && typeof index === "number") {
    const port = object.spec.ports[index];
    if (port !== undefined && port.name !== "") return `port ${port.name}`;
  }
  if (path.length > 0) return pathText(inputPath(object, path));
  const maker = makerOf(object) as KubernetesObject | undefined;
  return maker === undefined ? "" : `made for ${maker.kind} ${maker.metadata.name}`;
}

/** Both `from` and `to` of a policy's rules are called `peers` here; the input has the API's names. */
function inputPath(object: KubernetesObject, path: Path): Path {
  if (object.kind !== "NetworkPolicy") return path;
  return path.map((step) => (step === "peers" ? (path.includes("egress") ? "to" : "from") : step));
}
