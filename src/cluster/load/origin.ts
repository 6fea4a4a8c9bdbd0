import type { Origin } from "../../trace/records.ts";
import { findInJson } from "./json.ts";
import type { Source } from "./source.ts";
import { type YamlPlaces, placesInYaml } from "./yaml.ts";

export type Path = readonly (string | number)[];

/** Where an object stands in an input: four fields, so that 150,000 objects cost little. */
export interface Place {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
  readonly format: "yaml" | "json";
}

/** Parsed objects of the last questions: the parts of one object are asked for together. */
const recent = new Map<Place, YamlPlaces>();
const recentLimit = 256;

/**
 * Line and column of the part of an object at `path`; the nearest part around it where there is none. The text is
 * looked through only now: most objects are never asked.
 */
export function originAt(place: Place, path: Path = [], wanted: "key" | "value" = "value"): Origin {
  for (let length = path.length; length > 0; length--) {
    const offset = offsetOf(place, path.slice(0, length), length === path.length ? wanted : "value");
    if (offset !== undefined) return place.source.originAt(offset);
  }
  return place.source.originAt(place.start);
}

function offsetOf(place: Place, path: Path, wanted: "key" | "value"): number | undefined {
  const { source, start, end } = place;
  if (place.format === "json") return findInJson(source.text, start, path, wanted);
  let places = recent.get(place);
  if (places === undefined) {
    places = placesInYaml(source.text.slice(start, end), source.columnAt(start));
    if (recent.size >= recentLimit) recent.clear();
    recent.set(place, places);
  }
  const offset = places.offsetOf(path, wanted);
  return offset === undefined ? undefined : start + offset;
}

/** An object that a controller made, with the part of the input that made it so. */
interface Made {
  readonly by: object;
  readonly path: Path;
}

/** Where objects come from, by identity: the objects themselves stay plain data. */
const sources = new WeakMap<object, Place | Made>();

export function setPlace(object: object, place: Place): void {
  sources.set(object, place);
}

/** A changed copy of an object stands where the object does. */
export function inheritPlace<Copy extends object>(copy: Copy, from: object): Copy {
  const source = sources.get(from);
  if (source !== undefined && copy !== from) sources.set(copy, source);
  return copy;
}

/** Notes that `object` was made because of the part of `by` at `path`. */
export function setMaker(object: object, by: object, path: Path = []): void {
  sources.set(object, { by, path });
}

/** The object of the input that made this one; undefined when the input states it itself. */
export function makerOf(object: object): object | undefined {
  const source = sources.get(object);
  return source !== undefined && "by" in source ? source.by : undefined;
}

/** Where the input states an object, the part of it at `path`, or what made it; undefined when nothing does. */
export function originOf(object: object, path: Path = []): Origin | undefined {
  const source = sources.get(object);
  if (source === undefined) return undefined;
  return "by" in source ? originOf(source.by, source.path) : originAt(source, path);
}
