/** `-m statistic`: by chance, or each nth packet. */
export type StatisticMatch =
  | {
      readonly kind: "statistic";
      readonly mode: "random";
      /** As it was given; the kernel takes the nearest multiple of 2^-31. */
      readonly probability: number;
      readonly inverted: boolean;
    }
  | {
      readonly kind: "statistic";
      readonly mode: "nth";
      readonly every: number;
      /** Where the counter starts. */
      readonly packet: number;
      readonly inverted: boolean;
    };
