import type { Readable } from "node:stream";

/** Bytes of the header of a pcap file, and of that before each packet. pcap-savefile(5). */
const fileHeaderBytes = 24;
const recordHeaderBytes = 16;

/**
 * Reads a pcap stream as tcpdump writes it to its standard output (in the byte order of this machine). `started` is
 * called when the file's header came: from then on nothing is missed.
 */
export function readPcap(stream: Readable, started: () => void, packet: (bytes: Buffer) => void): void {
  let buffered: Buffer = Buffer.alloc(0);
  let hasHeader = false;
  stream.on("data", (data: Buffer) => {
    buffered = Buffer.concat([buffered, data]);
    if (!hasHeader) {
      if (buffered.length < fileHeaderBytes) return;
      hasHeader = true;
      buffered = buffered.subarray(fileHeaderBytes);
      started();
    }
    while (buffered.length >= recordHeaderBytes) {
      const end = recordHeaderBytes + buffered.readUInt32LE(8);
      if (buffered.length < end) return;
      packet(buffered.subarray(recordHeaderBytes, end));
      buffered = buffered.subarray(end);
    }
  });
}
