import { type Token, lex } from "./lexer.ts";
import type { CorefileProblem } from "./problem.ts";

export type { Token } from "./lexer.ts";

/** `name args... { properties }`: a plugin in a server block, or a property of one. */
export interface Directive {
  readonly name: Token;
  readonly args: readonly Token[];
  /** The lines between its braces; undefined without braces. */
  readonly block: readonly Directive[] | undefined;
}

/** `zone zone { directives }`. */
export interface ServerBlock {
  readonly keys: readonly Token[];
  readonly directives: readonly Directive[];
}

export interface Corefile {
  readonly blocks: readonly ServerBlock[];
  readonly problems: readonly CorefileProblem[];
}

const maxImports = 1000;

/**
 * Reads a Corefile: server blocks, snippets (`(name) { ... }`) and `import`. Imported files come by `file`; a pattern
 * (`import /etc/coredns/custom/*.override`) that matches nothing imports nothing. coredns/caddy caddyfile/parse.go.
 */
export function parseCorefile(
  text: string,
  name = "Corefile",
  filesMatching: (pattern: string) => readonly { readonly path: string; readonly text: string }[] = () => [],
): Corefile {
  return new Parser(lex(text, name), filesMatching).run();
}

class Parser {
  readonly #problems: CorefileProblem[] = [];
  readonly #snippets = new Map<string, readonly Token[]>();
  readonly #files: (pattern: string) => readonly { readonly path: string; readonly text: string }[];
  #tokens: Token[];
  #next = 0;
  #imports = 0;

  constructor(
    tokens: readonly Token[],
    files: (pattern: string) => readonly { readonly path: string; readonly text: string }[],
  ) {
    this.#tokens = [...tokens];
    this.#files = files;
  }

  run(): Corefile {
    const blocks: ServerBlock[] = [];
    while (this.#peek() !== undefined) {
      const block = this.#serverBlock();
      if (block !== undefined) blocks.push(block);
    }
    return { blocks, problems: this.#problems };
  }

  #serverBlock(): ServerBlock | undefined {
    const keys: Token[] = [];
    let first = this.#peek();
    while (first !== undefined && isWord(first, "import")) {
      this.#import();
      first = this.#peek();
    }
    if (first === undefined) return undefined;
    // A comma at the end of a line carries the list of zones on to the next one.
    let onLine = first;
    for (let token = this.#peek(); token !== undefined && !isBrace(token, "{"); token = this.#peek()) {
      if (!sameLine(token, onLine) && !onLine.text.endsWith(",")) break;
      if (isBrace(token, "}")) {
        this.#problem("COREFILE_SYNTAX", token, "'}' closes nothing; remove it");
        this.#next++;
        return undefined;
      }
      keys.push(...splitAtCommas(token));
      onLine = token;
      this.#next++;
    }
    const snippet = /^\((.*)\)$/.exec(first.text)?.[1];
    if (snippet !== undefined && keys.length === 1) {
      this.#snippets.set(snippet, this.#bracedTokens());
      return undefined;
    }
    const brace = this.#peek();
    if (brace !== undefined && isBrace(brace, "{")) {
      this.#next++;
      return { keys, directives: this.#lines(brace) };
    }
    // Without braces the rest of the file is the one block's body.
    return { keys, directives: this.#lines(undefined) };
  }

  /** Directives up to the brace that closes `open`, or to the end of the file when nothing was opened. */
  #lines(open: Token | undefined): readonly Directive[] {
    const lines: Directive[] = [];
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (isBrace(token, "}")) {
        if (open === undefined) this.#problem("COREFILE_SYNTAX", token, "'}' closes nothing; remove it");
        this.#next++;
        if (open !== undefined) return lines;
        continue;
      }
      if (isWord(token, "import")) {
        this.#import();
        continue;
      }
      lines.push(this.#directive(token));
    }
    if (open !== undefined)
      this.#problem("COREFILE_SYNTAX", open, "'{' is never closed; add a '}' on a line of its own");
    return lines;
  }

  #directive(name: Token): Directive {
    this.#next++;
    const args: Token[] = [];
    let onLine = name;
    for (let token = this.#peek(); token !== undefined && sameLine(token, onLine); token = this.#peek()) {
      if (isBrace(token, "}")) break;
      this.#next++;
      if (isBrace(token, "{")) return { name, args, block: this.#lines(token) };
      args.push(token);
      onLine = token;
    }
    return { name, args, block: undefined };
  }

  #import(): void {
    const at = this.#tokens[this.#next] as Token;
    const pattern = this.#tokens[this.#next + 1];
    if (pattern === undefined || !sameLine(pattern, at)) {
      this.#problem("COREFILE_IMPORT", at, "import needs a snippet or a file");
      this.#next++;
      return;
    }
    if (++this.#imports > maxImports) {
      this.#problem("COREFILE_IMPORT", at, `${pattern.text} imports itself, or there are over ${maxImports} imports`);
      this.#tokens.splice(this.#next, 2);
      return;
    }
    const body = this.#snippets.get(pattern.text) ?? this.#imported(pattern);
    this.#tokens.splice(this.#next, 2, ...body);
  }

  #imported(pattern: Token): readonly Token[] {
    const files = this.#files(pattern.text);
    if (files.length === 0 && !/[*?[]/.test(pattern.text)) {
      this.#problem("COREFILE_IMPORT", pattern, `there is no snippet or file ${pattern.text}`);
    }
    return files.flatMap((file) => lex(file.text, file.path));
  }

  /** The tokens between the braces that follow, as they are. */
  #bracedTokens(): readonly Token[] {
    const open = this.#peek();
    if (open === undefined || !isBrace(open, "{")) {
      const at = open ?? (this.#tokens.at(-1) as Token);
      this.#problem("COREFILE_SYNTAX", at, "a snippet needs braces");
      return [];
    }
    const start = ++this.#next;
    for (let depth = 1; this.#next < this.#tokens.length; this.#next++) {
      const token = this.#tokens[this.#next] as Token;
      if (isBrace(token, "{")) depth++;
      if (isBrace(token, "}") && --depth === 0) return this.#tokens.slice(start, this.#next++);
    }
    this.#problem("COREFILE_SYNTAX", open, "'{' is never closed; add a '}' on a line of its own");
    return [];
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #problem(code: CorefileProblem["code"], at: Token, message: string): void {
    this.#problems.push({ code, message, origin: at.origin });
  }
}

function isBrace(token: Token, brace: "{" | "}"): boolean {
  return !token.quoted && token.text === brace;
}

function isWord(token: Token, word: string): boolean {
  return !token.quoted && token.text === word;
}

function sameLine(token: Token, other: Token): boolean {
  return token.origin.file === other.origin.file && token.origin.line === other.origin.line;
}

function splitAtCommas(token: Token): Token[] {
  return token.text
    .split(",")
    .filter((text) => text !== "")
    .map((text) => ({ ...token, text }));
}
