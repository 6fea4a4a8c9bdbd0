import type { Address } from "../../wire/address.ts";
import type {
  Accounting,
  ConntrackEntry,
  Direction,
  NatStatus,
  SctpState,
  TcpState,
  TcpTracking,
  Tuple,
} from "./entry.ts";
import { dstDone, dstTranslated, natStatus, srcDone, srcTranslated } from "./nat-status.ts";
import {
  type Page,
  expiresTime,
  flag,
  flagsWord,
  idWord,
  markWord,
  natShift,
  rowShift,
  rowWords,
  sctpShift,
  streamTime,
  tcpShift,
} from "./rows.ts";
import { TupleKey, readAddress, readPort, readTuple, writeReply, readZone } from "./tuple-key.ts";
import type { ConntrackZone } from "./zone.ts";

/** In the order of their numbers in a row; 0 is for connections of another protocol. */
const tcpStates: readonly (TcpState | undefined)[] = [
  undefined,
  "NONE",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
  "SYN_SENT2",
];
const sctpStates: readonly (SctpState | undefined)[] = [
  undefined,
  "NONE",
  "CLOSED",
  "COOKIE_WAIT",
  "COOKIE_ECHOED",
  "ESTABLISHED",
  "SHUTDOWN_SENT",
  "SHUTDOWN_RECD",
  "SHUTDOWN_ACK_SENT",
];

/**
 * One row of the table as an object, made for a packet and forgotten with it: two views of a row are the same
 * connection. What is set goes to the row at once.
 */
export class Connection implements ConntrackEntry {
  #page: Page;
  /** Of its first word. */
  #row: number;

  constructor(page: Page, row: number) {
    this.#page = page;
    this.#row = row;
  }

  get page(): Page {
    return this.#page;
  }

  get row(): number {
    return this.#row;
  }

  /** Names the row among all of the namespace. */
  get number(): number {
    return this.#page.first + (this.#row >> rowShift);
  }

  /** To another row, for one that was not confirmed before its page went. */
  move(page: Page): void {
    const row = page.used++ * rowWords;
    page.words.set(this.#page.words.subarray(this.#row, this.#row + rowWords), row);
    page.more[row >> rowShift] = this.#page.more[this.#row >> rowShift];
    this.#page = page;
    this.#row = row;
  }

  get id(): number {
    return this.#page.words[this.#row + idWord] as number;
  }

  get zone(): ConntrackZone {
    return { original: readZone(this.#page, this.#row, "original"), reply: readZone(this.#page, this.#row, "reply") };
  }

  get original(): Tuple {
    return readTuple(this.#page, this.#row, "original");
  }

  get reply(): Tuple {
    return readTuple(this.#page, this.#row, "reply");
  }

  set reply(tuple: Tuple) {
    writeReply(this.#page, this.#row, new TupleKey().ofTuple(tuple));
  }

  get confirmed(): boolean {
    return this.#has(flag.confirmed);
  }

  set confirmed(value: boolean) {
    this.#set(flag.confirmed, value);
  }

  get seenReply(): boolean {
    return this.#has(flag.seenReply);
  }

  set seenReply(value: boolean) {
    this.#set(flag.seenReply, value);
  }

  get assured(): boolean {
    return this.#has(flag.assured);
  }

  set assured(value: boolean) {
    this.#set(flag.assured, value);
  }

  get dead(): boolean {
    return this.#has(flag.dead);
  }

  set dead(value: boolean) {
    this.#set(flag.dead, value);
  }

  get clash(): boolean {
    return this.#has(flag.clash);
  }

  set clash(value: boolean) {
    this.#set(flag.clash, value);
  }

  get sctpTagged(): boolean {
    return this.#has(flag.sctpTagged);
  }

  set sctpTagged(value: boolean) {
    this.#set(flag.sctpTagged, value);
  }

  get nat(): NatStatus {
    return natStatus(this.#nibble(natShift));
  }

  /** Whether the nat table needs not be asked about this end any more. */
  isSettled(manip: "src" | "dst"): boolean {
    return this.#has(manip === "dst" ? dstDone : srcDone);
  }

  isTranslated(manip: "src" | "dst"): boolean {
    return this.#has(manip === "dst" ? dstTranslated : srcTranslated);
  }

  /** One end stays so from now on, translated or as it was. */
  settle(manip: "src" | "dst", translated: boolean): void {
    this.#set(manip === "dst" ? dstDone : srcDone, true);
    if (translated) this.#set(manip === "dst" ? dstTranslated : srcTranslated, true);
  }

  /** One end of a tuple: the same as `original` and `reply` say, without an object. */
  addressOf(direction: Direction, end: "src" | "dst"): Address {
    return readAddress(this.#page, this.#row, direction, end);
  }

  portOf(direction: Direction, end: "src" | "dst"): number {
    return readPort(this.#page, this.#row, direction, end);
  }

  get tcpState(): TcpState | undefined {
    return tcpStates[this.#nibble(tcpShift)];
  }

  set tcpState(state: TcpState | undefined) {
    this.#setNibble(tcpShift, tcpStates.indexOf(state));
  }

  get sctpState(): SctpState | undefined {
    return sctpStates[this.#nibble(sctpShift)];
  }

  set sctpState(state: SctpState | undefined) {
    this.#setNibble(sctpShift, sctpStates.indexOf(state));
  }

  get mark(): number {
    return (this.#page.words[this.#row + markWord] as number) >>> 0;
  }

  set mark(value: number) {
    this.#page.words[this.#row + markWord] = value;
  }

  get expiresAtNanos(): number {
    return this.#page.times[(this.#row >> 1) + expiresTime] as number;
  }

  set expiresAtNanos(value: number) {
    this.#page.times[(this.#row >> 1) + expiresTime] = value;
  }

  get streamAtNanos(): number {
    return this.#page.times[(this.#row >> 1) + streamTime] as number;
  }

  set streamAtNanos(value: number) {
    this.#page.times[(this.#row >> 1) + streamTime] = value;
  }

  get tcp(): TcpTracking | undefined {
    return this.#page.more[this.#row >> rowShift]?.tcp;
  }

  set tcp(tracking: TcpTracking | undefined) {
    const { more } = this.#page;
    const at = this.#row >> rowShift;
    const known = more[at];
    more[at] =
      known?.accounting === undefined ? { addresses: known?.addresses, tcp: tracking } : { ...known, tcp: tracking };
  }

  get accounting(): Accounting | undefined {
    return this.#page.more[this.#row >> rowShift]?.accounting;
  }

  /** From now on its packets are counted: nf_ct_acct_ext_add(). */
  beginAccounting(): void {
    const { more } = this.#page;
    const at = this.#row >> rowShift;
    const accounting = { original: { packets: 0, bytes: 0 }, reply: { packets: 0, bytes: 0 } };
    more[at] = { addresses: more[at]?.addresses, tcp: more[at]?.tcp, accounting };
  }

  #has(bit: number): boolean {
    return ((this.#page.words[this.#row + flagsWord] as number) & bit) !== 0;
  }

  #set(bit: number, value: boolean): void {
    const at = this.#row + flagsWord;
    const flags = this.#page.words[at] as number;
    this.#page.words[at] = value ? flags | bit : flags & ~bit;
  }

  #nibble(shift: number): number {
    return ((this.#page.words[this.#row + flagsWord] as number) >>> shift) & 15;
  }

  #setNibble(shift: number, value: number): void {
    const at = this.#row + flagsWord;
    this.#page.words[at] = ((this.#page.words[at] as number) & ~(15 << shift)) | (value << shift);
  }
}
