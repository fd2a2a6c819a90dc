/** What is used of qrcode-generator 2.0.4; see README.md. */

export interface QRCode {
  addData(data: string): void;
  make(): void;
  getModuleCount(): number;
  isDark(row: number, column: number): boolean;
}

/** `type` 0 takes the smallest code that holds the data. */
export function qrcode(type: 0, correction: "L" | "M" | "Q" | "H"): QRCode;
