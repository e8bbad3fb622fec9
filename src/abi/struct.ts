/**
 * A C struct of integers, by the offsets the kernel's uapi header gives it: written to and read from memory both kernels share
 * the layout of. Little-endian, as every machine the project runs on.
 *
 * u64 and s64 are JavaScript numbers: addresses and lengths are under 2^47. Where all 64 bits carry meaning the field is a
 * bits64, a bigint.
 */
export type FieldType = "u8" | "u32" | "u64" | "s64" | "bits64";

type Fields = Readonly<Record<string, readonly [offset: number, type: FieldType]>>;
type Value<T extends FieldType> = T extends "bits64" ? bigint : number;
export type Values<F extends Fields> = { -readonly [K in keyof F]: Value<F[K][1]> };

export class Struct<F extends Fields> {
  constructor(
    readonly name: string,
    /** Bytes, as sizeof() says. */
    readonly size: number,
    readonly fields: F,
  ) {}

  /** Writes the fields given; the others keep their bytes. */
  write(view: DataView, values: Partial<Values<F>>, at = 0): void {
    for (const name in values) {
      const [offset, type] = this.fields[name] as F[string];
      writeField(view, at + offset, type, values[name] as number | bigint);
    }
  }

  read(view: DataView, at = 0): Values<F> {
    const values: Record<string, number | bigint> = {};
    for (const name in this.fields) {
      const [offset, type] = this.fields[name] as F[string];
      values[name] = readField(view, at + offset, type);
    }
    return values as Values<F>;
  }

  /** A buffer of the struct's size, all zero. */
  allocate(): DataView {
    return new DataView(new ArrayBuffer(this.size));
  }
}

function writeField(view: DataView, offset: number, type: FieldType, value: number | bigint): void {
  switch (type) {
    case "u8":
      view.setUint8(offset, value as number);
      break;
    case "u32":
      view.setUint32(offset, value as number, true);
      break;
    case "u64":
    case "s64":
      writeInt64(view, offset, value as number);
      break;
    case "bits64":
      view.setBigUint64(offset, value as bigint, true);
      break;
  }
}

function readField(view: DataView, offset: number, type: FieldType): number | bigint {
  switch (type) {
    case "u8":
      return view.getUint8(offset);
    case "u32":
      return view.getUint32(offset, true);
    case "u64":
    case "s64":
      return readInt64(view, offset);
    case "bits64":
      return view.getBigUint64(offset, true);
  }
}

const TWO_32 = 2 ** 32;

/** Writes a 64-bit integer, signed or not, of magnitude below 2^53, without a bigint: this is on the path of every fault. */
export function writeInt64(view: DataView, offset: number, value: number): void {
  // setUint32() keeps the low 32 bits by itself.
  view.setUint32(offset, value, true);
  view.setInt32(offset + 4, Math.floor(value / TWO_32), true);
}

/** Reads a signed 64-bit integer; exact below 2^53. */
export function readInt64(view: DataView, offset: number): number {
  return view.getInt32(offset + 4, true) * TWO_32 + view.getUint32(offset, true);
}
