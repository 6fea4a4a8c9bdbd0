import type { Reader } from "./reader.ts";

/** RFC 1123 label. apimachinery pkg/util/validation (IsDNS1123Label). */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** RFC 1123 subdomain: labels with dots between them. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
}

/** RFC 1035 label: a Service's name must begin with a letter. */
export function isDns1035Label(text: string): boolean {
  return text.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** RFC 6335 service name: the syntax of a named port. IsValidPortName. */
export function isPortName(text: string): boolean {
  return text.length <= 15 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) && /[a-z]/.test(text);
}

export function isPortNumber(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

const word = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** A label's key: an optional DNS subdomain and `/`, then the name. IsQualifiedName. */
export function isLabelKey(text: string): boolean {
  const slash = text.indexOf("/");
  const name = text.slice(slash + 1);
  return (slash < 0 || isDnsSubdomain(text.slice(0, slash))) && name.length <= 63 && word.test(name);
}

export function isLabelValue(text: string): boolean {
  return text === "" || (text.length <= 63 && word.test(text));
}

/** Reads labels, or the plain selector of a Service, and checks their syntax. */
export function readLabels(reader: Reader, key: string): Readonly<Record<string, string>> {
  const labels = reader.stringMap(key);
  for (const [name, value] of Object.entries(labels)) checkLabel(reader, [key, name], name, [value]);
  return labels;
}

export function checkLabel(
  reader: Reader,
  path: readonly (string | number)[],
  key: string,
  values: readonly string[],
): void {
  if (!isLabelKey(key)) reader.report("BAD_LABEL", path, `\`${key}\` is no label key`);
  for (const value of values)
    if (!isLabelValue(value)) reader.report("BAD_LABEL", path, `\`${value}\` is no label value`);
}

/** Reads a port that may be a number or a name, and checks it. */
export function readPort(reader: Reader, key: string): number | string | undefined {
  const port = reader.integerOrString(key);
  if (port === undefined) return undefined;
  if (typeof port === "number" ? isPortNumber(port) : isPortName(port)) return port;
  const quoted = typeof port === "string" && /^\d+$/.test(port) ? `Write ${port} without quotes.` : undefined;
  reader.report("BAD_PORT", key, `${reader.at(key)} is \`${port}\``, quoted);
  return port;
}

/** Reads a port number, and checks it. */
export function readPortNumber(reader: Reader, key: string): number | undefined {
  const port = reader.integer(key);
  if (port !== undefined && !isPortNumber(port)) {
    reader.report("BAD_PORT", key, `${reader.at(key)} is ${port}, which is not between 1 and 65535`);
  }
  return port;
}

/** Reads a protocol; the API's default is TCP. */
export function readProtocol(reader: Reader): "TCP" | "UDP" | "SCTP" {
  const protocol = reader.string("protocol") ?? "TCP";
  if (protocol === "TCP" || protocol === "UDP" || protocol === "SCTP") return protocol;
  const upper = protocol.toUpperCase();
  const fix = upper === "TCP" || upper === "UDP" || upper === "SCTP" ? `Write ${upper}.` : undefined;
  reader.report("BAD_PROTOCOL", "protocol", `${reader.at("protocol")} is \`${protocol}\``, fix);
  return "TCP";
}
