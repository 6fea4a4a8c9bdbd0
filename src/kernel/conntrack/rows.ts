import type { IPv6 } from "../../wire/address.ts";
import type { Accounting, TcpTracking } from "./entry.ts";

/*
 * Where connections lie in memory. A connection is a row of sixteen 32-bit words: 64 bytes, one cache line. Rows
 * lie in pages, typed arrays that the garbage collector does not look into: a million connections are some seventy
 * objects to it, not millions.
 *
 *   word  0     1     2      3     4     5     6      7      8      9     10   11           12,13    14,15
 *         src   dst   ports  kind  src   dst   ports  kind   flags  mark  id   unused       expires  stream
 *         original direction       reply direction                                          at       at
 *
 * A row is never used twice, so whoever still holds a connection that left the table reads what it was. A page goes
 * when all of its connections are gone.
 */

/** Words of a row, and by how many bits that shifts. */
export const rowWords = 16;
export const rowShift = 4;
/** Words from the original tuple to that of the reply. */
export const tupleWords = 4;
export const flagsWord = 8;
export const markWord = 9;
export const idWord = 10;
/** Places among the 64-bit times of a row, which begin at half the place of its words. */
export const expiresTime = 6;
export const streamTime = 7;

/** Bits of the flags word: what ConntrackEntry says under these names. */
export const flag: {
  readonly confirmed: number;
  readonly seenReply: number;
  readonly assured: number;
  readonly dead: number;
  readonly clash: number;
  readonly sctpTagged: number;
} = { confirmed: 1, seenReply: 2, assured: 4, dead: 8, clash: 16, sctpTagged: 32 };
/** Four bits of NAT status (nat-status.ts), four of the TCP state, four of the SCTP state. */
export const natShift = 8;
export const tcpShift = 12;
export const sctpShift = 16;

/** Rows of the first page and of the largest ones. Most namespaces have few connections. */
const firstPageRows = 32;
const mostPageRows = 1 << 14;
const slotBits = 14;

/** What of a connection does not fit into words. */
export interface More {
  /** Source and destination of both directions; in IPv6 the words hold a hash of each. */
  readonly addresses: readonly [src: IPv6, dst: IPv6, replySrc: IPv6, replyDst: IPv6] | undefined;
  readonly tcp: TcpTracking | undefined;
  /** Absent where nobody counts. */
  readonly accounting?: Accounting;
}

/** Some rows in one piece of memory. */
export class Page {
  readonly rows: number;
  readonly words: Int32Array;
  /** The same memory as 64-bit numbers: virtual time in nanoseconds. */
  readonly times: Float64Array;
  /** By place in the page; absent for most IPv4 connections but TCP's. */
  readonly more: (More | undefined)[] = [];
  /** The number of its first row, which also names the page. */
  readonly first: number;
  used = 0;
  /** Rows that are in the table. */
  living = 0;

  constructor(rows: number, first: number) {
    this.rows = rows;
    this.first = first;
    this.words = new Int32Array(rows * rowWords);
    this.times = new Float64Array(this.words.buffer);
  }
}

/** The pages of one namespace. A row has a number: the page in the upper bits, its place there in the lower. */
export class Pages {
  /** Undefined: a page that is gone; its numbers are given to the next one. */
  readonly #pages: (Page | undefined)[] = [];
  #nextRows = firstPageRows;
  #current: Page | undefined;

  /** The page with room for one more row, at `page.used`. */
  open(): Page {
    const page = this.#current;
    return page !== undefined && page.used < page.rows ? page : this.#add();
  }

  pageOf(number: number): Page {
    return this.#pages[number >>> slotBits] as Page;
  }

  /** False for a page that went while somebody still held an unconfirmed connection of it. */
  holds(page: Page): boolean {
    return this.#pages[page.first >>> slotBits] === page;
  }

  /** Lets a page go when nothing in it is needed any more. */
  release(page: Page): void {
    if (page.living === 0 && page !== this.#current) this.#pages[page.first >>> slotBits] = undefined;
  }

  all(): readonly Page[] {
    return this.#pages.filter((page) => page !== undefined);
  }

  clear(): void {
    this.#pages.length = 0;
    this.#current = undefined;
    this.#nextRows = firstPageRows;
  }

  #add(): Page {
    const full = this.#current;
    const free = this.#pages.indexOf(undefined);
    const index = free < 0 ? this.#pages.length : free;
    const page = new Page(this.#nextRows, index << slotBits);
    this.#pages[index] = page;
    this.#current = page;
    this.#nextRows = Math.min(this.#nextRows * 4, mostPageRows);
    if (full !== undefined) this.release(full);
    return page;
  }
}

/** Where a numbered row begins among the words of its page. */
export function rowOf(number: number): number {
  return (number & ((1 << slotBits) - 1)) * rowWords;
}
