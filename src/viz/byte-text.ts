/* Addresses and numbers as the bytes that stand on a wire: the view's own, for a trace can be drawn without the engine. */

/** Big-endian. */
export function numberBytes(value: number, size: number): readonly number[] {
  return Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** (size - 1 - index)) % 256);
}

/** `02:00:0a:f4:00:03`. */
export function macBytes(mac: string): readonly number[] {
  return mac.split(":").map((octet) => Number.parseInt(octet, 16));
}

/** `10.0.0.1` in four, `fd00::1` in sixteen bytes. */
export function addressBytes(address: string): readonly number[] {
  if (!address.includes(":")) return address.split(".").map(Number);
  const [head = "", tail] = address.split("::");
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").flatMap((group) => numberBytes(Number.parseInt(group, 16), 2) as number[]);
  const [front, back] = [groups(head), groups(tail ?? "")];
  return [...front, ...Array<number>(Math.max(0, 16 - front.length - back.length)).fill(0), ...back];
}

/** `0a f4 00 03`; what is not known as two dots. */
export function byteText(byte: number | undefined): string {
  return byte === undefined ? "··" : byte.toString(16).padStart(2, "0");
}
