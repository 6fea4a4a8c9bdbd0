import { type Alias, type Node as YamlNode, isAlias, isMap, isScalar, isSeq } from "yaml";
import type { ScenarioProblem } from "./parse.ts";
import type { Place } from "./scenario.ts";

type Maybe = YamlNode | null | undefined;

/** Reads YAML nodes as typed values and collects a coded problem, with its place, for each that does not fit. */
export class Reader {
  readonly problems: ScenarioProblem[] = [];
  readonly #file: string;
  readonly #placeAt: (offset: number) => Place;
  readonly #resolve: (alias: Alias) => YamlNode | undefined;

  constructor(file: string, placeAt: (offset: number) => Place, resolve: (alias: Alias) => YamlNode | undefined) {
    this.#file = file;
    this.#placeAt = placeAt;
    this.#resolve = resolve;
  }

  place(node: Maybe): Place {
    return this.#placeAt(node?.range?.[0] ?? 0);
  }

  problem(code: string, node: Maybe, message: string): undefined {
    this.problems.push({ code, file: this.#file, ...this.place(node), message });
    return undefined;
  }

  /** The members of a mapping; unknown keys are problems that name the nearest known one. */
  members(node: Maybe, what: string, known: readonly string[]): ReadonlyMap<string, YamlNode> {
    const members = new Map<string, YamlNode>();
    if (node === null || node === undefined) return members;
    if (!isMap(node)) {
      this.problem("WRONG_TYPE", node, `${what} must be a mapping`);
      return members;
    }
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : "";
      if (known.length === 0 || known.includes(name)) members.set(name, this.#follow(value as YamlNode));
      else
        this.problem("UNKNOWN_FIELD", key as YamlNode, `${what} has no field \`${name}\`; it has ${known.join(", ")}`);
    }
    return members;
  }

  /** What an alias (`*name`) stands for. */
  #follow(node: YamlNode): YamlNode {
    return isAlias(node) ? (this.#resolve(node) ?? node) : node;
  }

  items(node: Maybe, what: string): readonly YamlNode[] {
    if (node === null || node === undefined) return [];
    if (isSeq(node)) return node.items.map((item) => this.#follow(item as YamlNode));
    this.problem("WRONG_TYPE", node, `${what} must be a list`);
    return [];
  }

  string(node: Maybe, what: string): string | undefined {
    if (node === null || node === undefined) return undefined;
    if (isScalar(node) && (typeof node.value === "string" || typeof node.value === "number")) return String(node.value);
    return this.problem("WRONG_TYPE", node, `${what} must be a text`);
  }

  required(members: ReadonlyMap<string, YamlNode>, key: string, parent: Maybe, what: string): string | undefined {
    const node = members.get(key);
    return node === undefined
      ? this.problem("MISSING_FIELD", parent, `${what} needs \`${key}\``)
      : this.string(node, `${what}.${key}`);
  }

  integer(node: Maybe, what: string): number | undefined {
    if (node === null || node === undefined) return undefined;
    if (isScalar(node) && Number.isInteger(node.value)) return node.value as number;
    return this.problem("WRONG_TYPE", node, `${what} must be a whole number`);
  }

  boolean(node: Maybe, what: string): boolean | undefined {
    if (node === null || node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === "boolean") return node.value;
    return this.problem("WRONG_TYPE", node, `${what} must be true or false`);
  }

  oneOf<T extends string>(node: Maybe, what: string, values: readonly T[]): T | undefined {
    const text = this.string(node, what);
    if (text === undefined || (values as readonly string[]).includes(text)) return text as T | undefined;
    return this.problem("BAD_VALUE", node, `${what} is \`${text}\`; it must be one of ${values.join(", ")}`);
  }

  strings(node: Maybe, what: string): readonly string[] {
    return this.items(node, what).flatMap((item) => this.string(item, what) ?? []);
  }

  /** `10s`, `250ms`, `2m`: nanoseconds. */
  duration(node: Maybe, what: string): number | undefined {
    const text = this.string(node, what);
    if (text === undefined) return undefined;
    const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
    if (!match) return this.problem("BAD_VALUE", node, `${what} is \`${text}\`; write a time such as 10s, 250ms or 2m`);
    const unit = { ms: 1_000_000, s: 1_000_000_000, m: 60_000_000_000 }[match[2] as "ms" | "s" | "m"];
    return Math.round(Number(match[1]) * unit);
  }
}
