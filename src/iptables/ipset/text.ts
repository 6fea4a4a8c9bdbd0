import { type Family, formatAddress, ipv4 } from "../../wire/address.ts";
import { LineProblem, readLines } from "../text-error.ts";
import { type Word, splitWords } from "../words.ts";
import { type Element, ElementProblem, formatElement, markPart, parseElements } from "./element.ts";
import { splitOptions } from "./options.ts";
import { type EntryOptions, type IpSet, type SetEntry, dimensionsOf } from "./set.ts";
import type { IpSets } from "./store.ts";

/**
 * Runs `ipset restore` text on the sets of a namespace: create, add, del, flush, destroy, swap, rename. Throws a
 * TextError with all problems. `-exist` (on a line, or for all by `exist`) forgives what is there already.
 */
export function restoreSets(sets: IpSets, text: string, file: string, exist = false): void {
  readLines(text, file, (line) => {
    const words = splitWords(line, false);
    const [command] = words;
    if (command === undefined || command.text.startsWith("#")) return;
    const rest = words.slice(1).filter(({ text }) => text !== "-exist" && text !== "-!");
    run(sets, command, rest, exist || rest.length < words.length - 1);
  });
}

/** Raises a problem, at the first word where no other is named. */
type Fail = (code: string, message: string, at?: Word) => never;

function run(sets: IpSets, command: Word, words: readonly Word[], exist: boolean): void {
  const [first, second] = words;
  const fail: Fail = (code, message, at = first) => {
    throw new LineProblem(code, at?.column ?? command.column, message);
  };
  const setAt = (word: Word | undefined): IpSet =>
    sets.get(word?.text ?? "") ?? fail("NO_SET", `there is no set ${word?.text ?? ""}: create it first`, word);
  switch (command.text) {
    case "create":
    case "-N": {
      if (first === undefined || second === undefined) return fail("MISSING_VALUE", "create takes NAME TYPE");
      if (!/^(hash|bitmap|list):(ip|net|port|mac|iface|mark|set)(,(ip|net|port|mac|iface|mark))*$/.test(second.text)) {
        return fail("BAD_SET_TYPE", `${second.text} is not a set type`, second);
      }
      const { family, options } = splitFamily(words.slice(2).map(({ text }) => text));
      const sorted = splitOptions(options);
      if (sorted === undefined) {
        return fail("BAD_OPTION", `${options.join(" ")}: an option is none of a set`, words[2]);
      }
      const made = sets.create({ name: first.text, type: second.text, family, options: sorted.flat() });
      if (made === undefined && !exist) fail("SET_EXISTS", `the set ${first.text} exists already`);
      return;
    }
    case "add":
    case "-A": {
      const set = setAt(first);
      if (set.spec.type === "list:set" && setAt(second).spec.type === "list:set") {
        fail("BAD_ELEMENT", `${second?.text} is a list:set itself: a list cannot hold lists`, second);
      }
      for (const element of elementsOf(set, second, fail)) {
        if (!set.takes(element)) fail("BAD_ELEMENT", `${second?.text} is out of the set's range`, second);
        if (set.has(element)) {
          if (!exist) fail("ELEMENT_EXISTS", `${second?.text} is in the set already`, second);
        } else if (set.isFull) {
          fail("SET_FULL", `the set holds ${set.options.maxElements} elements, its maxelem`, second);
        }
        set.add(element, entryOptions(words.slice(2)));
        if (set.spec.type === "list:set") moveMember(set, element, words.slice(2), fail);
      }
      return;
    }
    case "del":
    case "-D": {
      const set = setAt(first);
      for (const element of elementsOf(set, second, fail)) {
        if (!set.delete(element) && !exist) fail("NO_ELEMENT", `${second?.text} is not in the set`, second);
      }
      return;
    }
    case "flush":
    case "-F":
      for (const set of first === undefined ? sets.sets() : [setAt(first)]) set.flush();
      return;
    case "destroy":
    case "-X":
      for (const { name } of first === undefined ? sets.sets() : [setAt(first)]) {
        if (first !== undefined && sets.isMember(name)) fail("SET_IN_USE", `a list:set holds ${name}`);
        sets.destroy(name);
      }
      return;
    case "swap":
    case "-W":
      if (setAt(first).spec.type !== setAt(second).spec.type || first?.text === second?.text) {
        fail("SET_TYPES_DIFFER", `${first?.text} and ${second?.text} are not two sets of one type`, second);
      }
      sets.swap(setAt(first).name, setAt(second).name);
      return;
    case "rename":
    case "-E":
      if (sets.isMember(setAt(first).name)) fail("SET_IN_USE", `a list:set holds ${first?.text}`);
      if (second === undefined) return fail("MISSING_VALUE", "rename takes NAME NEW-NAME");
      if (!sets.rename(setAt(first).name, second.text)) fail("SET_EXISTS", `the name ${second.text} is taken`, second);
      return;
    case "COMMIT":
    case "quit":
      return;
    default:
      return fail("UNKNOWN_COMMAND", `${command.text} is not an ipset command`, command);
  }
}

/** `before NAME`, `after NAME`. */
function moveMember(set: IpSet, element: Element, words: readonly Word[], fail: Fail): void {
  const at = words.findIndex(({ text, quoted }) => (text === "before" || text === "after") && !quoted);
  if (at < 0) return;
  const name = words[at + 1];
  const [other] = elementsOf(set, name, fail);
  if (other === undefined || !set.move(element, words[at]?.text === "before" ? "before" : "after", other)) {
    fail("NO_ELEMENT", `${name?.text} is not in the set`, name);
  }
}

function splitFamily(options: readonly string[]): { readonly family: Family; readonly options: readonly string[] } {
  const at = options.indexOf("family");
  if (at < 0) return { family: "ipv4", options };
  return { family: options[at + 1] === "inet6" ? "ipv6" : "ipv4", options: options.toSpliced(at, 2) };
}

function elementsOf(set: IpSet, word: Word | undefined, fail: Fail): ReturnType<typeof parseElements> {
  if (word === undefined) return fail("MISSING_VALUE", "an element is missing");
  try {
    return parseElements(word.text, dimensionsOf(set.spec.type), set.spec.family, set.isBitmap);
  } catch (error) {
    if (error instanceof ElementProblem) return fail("BAD_ELEMENT", error.message, word);
    throw error;
  }
}

const skbinfoWords = ["skbmark", "skbprio", "skbqueue"];

function entryOptions(words: readonly Word[]): EntryOptions {
  const valueOf = (name: string): string | undefined => {
    const at = words.findIndex(({ text, quoted }) => text === name && !quoted);
    return at < 0 ? undefined : words[at + 1]?.text;
  };
  const number = (name: "timeout" | "packets" | "bytes"): Partial<Record<typeof name, number>> => {
    const value = valueOf(name);
    return value === undefined ? {} : { [name]: Number(value) };
  };
  const comment = valueOf("comment");
  const skbinfo = skbinfoWords.flatMap((name) => {
    const value = valueOf(name);
    return value === undefined ? [] : [name, value];
  });
  return {
    ...(words.some(({ text, quoted }) => text === "nomatch" && !quoted) && { nomatch: true }),
    ...(comment !== undefined && { comment }),
    ...number("timeout"),
    ...number("packets"),
    ...number("bytes"),
    ...(skbinfo.length > 0 && { skbinfo }),
  };
}

/** `ipset save` text: what `restoreSets` reads. Sizes of the kernel's hash tables are printed only where they were given. */
export function saveSets(sets: IpSets): string {
  return sets.sets().map(saveSet).join("");
}

function saveSet(set: IpSet): string {
  const { type, family } = set.spec;
  const words = [
    "create",
    set.name,
    type,
    ...(type.startsWith("hash:") && type !== "hash:mac" ? ["family", family === "ipv4" ? "inet" : "inet6"] : []),
    ...printOptions(set),
  ];
  return [words.join(" "), ...set.entries().map((entry) => saveEntry(set, entry)), ""].join("\n");
}

/** The range of addresses is printed from end to end, whatever it was given as. */
function printOptions({ spec, options, isBitmap }: IpSet): readonly string[] {
  const { range } = options;
  if (options.markmask !== undefined) {
    const mask = markPart(options.markmask).text;
    return spec.options.map((word, at) => (spec.options[at - 1] === "markmask" ? mask : word));
  }
  if (!isBitmap || spec.type === "bitmap:port" || range === undefined) return spec.options;
  const text = range.map((end) => formatAddress(ipv4(end))).join("-");
  return spec.options.map((word, at) => (spec.options[at - 1] === "range" ? text : word));
}

function saveEntry(set: IpSet, entry: SetEntry): string {
  const { element, nomatch, comment, packets = 0, bytes = 0, skbinfo } = entry;
  const { timeoutSeconds, counters } = set.options;
  return [
    `add ${set.name} ${formatElement(element)}`,
    ...(timeoutSeconds === undefined ? [] : [`timeout ${set.secondsLeft(entry)}`]),
    ...(nomatch === true ? ["nomatch"] : []),
    ...(counters ? [`packets ${packets} bytes ${bytes}`] : []),
    ...(comment === undefined || comment === "" ? [] : [`comment "${comment}"`]),
    ...(skbinfo ?? []),
  ].join(" ");
}
