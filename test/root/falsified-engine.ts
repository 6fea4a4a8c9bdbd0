import { NeighbourTable } from "../../src/kernel/neighbour-table.ts";

/* Loaded before the program, it makes an engine in which nobody ever learns a link address. Linux knows nothing of it. */
NeighbourTable.prototype.resolve = () => undefined;
