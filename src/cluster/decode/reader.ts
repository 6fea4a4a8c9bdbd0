import type { ProblemCode } from "../codes.ts";
import { type Path, type Place, originAt } from "../load/origin.ts";
import type { ProblemList } from "../problem.ts";
import { nearest } from "./nearest.ts";

/** What all readers of one object share. */
export interface Reading {
  readonly problems: ProblemList;
  readonly place: Place | undefined;
  /** `Service shop/web`. */
  readonly object: string;
  /** The API server has let the object through: what kube-proxy passes over is passed over here, too. */
  readonly isAsGiven: boolean;
}

type Raw = Readonly<Record<string, unknown>>;

/**
 * Reads one mapping of an object, field by field, and reports what has the wrong type. Every method gives a usable
 * value even then, so that all problems of an object are found in one go.
 */
export class Reader {
  readonly raw: Raw;
  readonly reading: Reading;
  readonly #parent: Reader | undefined;
  readonly #steps: Path;

  constructor(raw: Raw, reading: Reading, parent?: Reader, steps: Path = []) {
    this.raw = raw;
    this.reading = reading;
    this.#parent = parent;
    this.#steps = steps;
  }

  path(...further: Path): Path {
    return [...(this.#parent?.path() ?? []), ...this.#steps, ...further];
  }

  report(
    code: ProblemCode,
    key: string | Path,
    message: string,
    fix?: string,
    wanted: "key" | "value" = "value",
  ): void {
    const { problems, place, object } = this.reading;
    const path = this.path(...(typeof key === "string" ? (key === "" ? [] : [key]) : key));
    const text = pathText(path);
    const origin = place && originAt(place, path, wanted);
    problems.add(code, `${object}: ${message}`, { object, path: text, ...(origin && { origin }) }, fix);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.raw, key) && this.raw[key] !== null && this.raw[key] !== undefined;
  }

  /** The value of a field; absent and null are the same to the API. */
  get(key: string): unknown {
    return this.has(key) ? this.raw[key] : undefined;
  }

  string(key: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === "string") return value;
    this.wrongType(key, "text", value);
    return undefined;
  }

  requiredString(key: string): string {
    if (!this.has(key)) this.required(key);
    return this.string(key) ?? "";
  }

  boolean(key: string): boolean | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === "boolean") return value;
    this.wrongType(key, "true or false", value);
    return undefined;
  }

  integer(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined || (typeof value === "number" && Number.isInteger(value))) return value;
    this.wrongType(key, "a whole number", value);
    return undefined;
  }

  /** A number or a name, as targetPort. */
  integerOrString(key: string): number | string | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === "string") return value;
    if (typeof value === "number" && Number.isInteger(value)) return value;
    this.wrongType(key, "a number or a name", value);
    return undefined;
  }

  /** One of the API's words. */
  oneOf<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const value = this.string(key);
    if (value === undefined || value === "") return undefined;
    const found = words.find((word) => word === value);
    if (found === undefined) {
      const near = nearest(value, words);
      const fix = near === undefined ? `Use ${words.join(", ")}.` : `Did you mean ${near}?`;
      const supported = words.map((word) => JSON.stringify(word)).join(", ");
      this.refuse("BAD_VALUE", key, `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`, fix);
    }
    return found;
  }

  object(key: string): Reader | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (isMapping(value)) return new Reader(value, this.reading, this, [key]);
    this.wrongType(key, "a mapping", value);
    return undefined;
  }

  /** The mapping at `key`, or an empty one, so that its fields can be read with their defaults. */
  objectOrEmpty(key: string): Reader {
    return this.object(key) ?? new Reader({}, this.reading, this, [key]);
  }

  list(key: string): readonly unknown[] {
    const value = this.get(key);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.wrongType(key, "a list", value);
    return [];
  }

  objects(key: string): readonly Reader[] {
    return this.list(key).flatMap((value, index) => {
      if (isMapping(value)) return [new Reader(value, this.reading, this, [key, index])];
      this.wrongType([key, index], "a mapping", value);
      return [];
    });
  }

  strings(key: string): readonly string[] {
    return this.list(key).filter((value, index): value is string => {
      if (typeof value === "string") return true;
      this.wrongType([key, index], "text", value);
      return false;
    });
  }

  /** Labels, annotations, selectors. A key named `__proto__` stays a key. */
  stringMap(key: string): Readonly<Record<string, string>> {
    const map = this.object(key);
    if (map === undefined) return {};
    const entries = Object.entries(map.raw).filter((entry): entry is [string, string] => {
      if (typeof entry[1] === "string") return true;
      if (entry[1] !== null) map.wrongType([entry[0]], "text", entry[1]);
      return false;
    });
    return Object.fromEntries(entries);
  }

  /** Reports fields that the API does not have. `known` holds all that it has. */
  onlyFields(known: ReadonlySet<string>): void {
    for (const key in this.raw) {
      if (known.has(key)) continue;
      const near = nearest(key, known);
      if (near === undefined) this.report("FIELD_NOT_READ", key, `${this.at(key)} is not known`, undefined, "key");
      else this.report("UNKNOWN_FIELD", key, `there is no field ${this.at(key)}`, `Did you mean \`${near}\`?`, "key");
    }
  }

  /** Says what is wrong with a field in the API server's own words: apimachinery pkg/util/validation/field. */
  refuse(code: ProblemCode, key: string | Path, words: string, fix?: string): void {
    this.report(code, key, `${this.at(key)}: ${words}`, fix);
  }

  required(key: string, detail?: string): void {
    this.refuse("REQUIRED", key, detail === undefined ? "Required value" : `Required value: ${detail}`);
  }

  invalid(code: ProblemCode, key: string | Path, value: unknown, detail: string, fix?: string): void {
    this.refuse(code, key, `Invalid value: ${JSON.stringify(value)}: ${detail}`, fix);
  }

  duplicate(key: string | Path, value: unknown, fix?: string): void {
    this.refuse("DUPLICATE_VALUE", key, `Duplicate value: ${JSON.stringify(value)}`, fix);
  }

  forbidden(key: string | Path, detail: string, fix?: string): void {
    this.refuse("NOT_ALLOWED_HERE", key, `Forbidden: ${detail}`, fix);
  }

  tooMany(key: string | Path, count: number, most: number): void {
    if (count > most) this.refuse("TOO_MANY", key, `Too many: ${count}: must have at most ${most} items`);
  }

  wrongType(key: string | Path, wanted: string, value: unknown): void {
    const is =
      typeof value === "object" ? (Array.isArray(value) ? "a list" : "a mapping") : `${typeof value} ${String(value)}`;
    const isQuoted = typeof value === "string" && wanted !== "text" && /^(\d+|true|false)$/.test(value);
    const fix = isQuoted ? `Write ${value} without quotes.` : undefined;
    this.report("WRONG_TYPE", key, `${this.at(key)} must be ${wanted}, but is ${is}`, fix);
  }

  /** The path of a field as text: `spec.ports[0].name`. */
  at(key: string | Path): string {
    return pathText(this.path(...(typeof key === "string" ? (key === "" ? [] : [key]) : key)));
  }
}

export function isMapping(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function pathText(path: Path): string {
  return path
    .map((step) => (typeof step === "number" || /[./]/.test(step) ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
}
