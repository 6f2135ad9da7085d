import CLibPQ
import WitanStorage

/// The arguments of a statement as libpq takes them: texts that end with a zero, and bytes as they are.
struct PostgresArguments {
    /// The type of each, as far as its kind says; texts and nulls take theirs from where they stand.
    let types: [Oid]

    private var bytes: [CChar] = []
    private var offsets: [Int?] = []
    private var lengths: [CInt] = []
    private var formats: [CInt] = []

    /// Writes the values down.
    init(_ values: [SQLValue]) {
        types = values.map(\.type)
        offsets.reserveCapacity(values.count)
        for value in values {
            switch value {
            case .null: addNull()
            case .integer(let integer): add("\(integer)".utf8)
            case .real(let real): add("\(real)".utf8)
            case .text(let text): add(text.utf8)
            case .blob(let blob): add(blob, isBinary: true)
            }
        }
    }

    private mutating func add(_ content: some Sequence<UInt8>, isBinary: Bool = false) {
        let start = bytes.count
        bytes.append(contentsOf: content.lazy.map { CChar(bitPattern: $0) })
        offsets.append(start)
        lengths.append(CInt(bytes.count - start))
        formats.append(isBinary ? 1 : 0)
        bytes.append(0)
    }

    private mutating func addNull() {
        offsets.append(nil)
        lengths.append(0)
        formats.append(0)
    }

    /// Gives `body` the values, their lengths and whether each is binary.
    func withPointers<Result>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<CInt>?, UnsafePointer<CInt>?) -> Result
    ) -> Result {
        bytes.withUnsafeBufferPointer { bytes in
            let values = offsets.map { offset in offset.flatMap { bytes.baseAddress?.advanced(by: $0) } }
            return values.withUnsafeBufferPointer { values in
                lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body(values.baseAddress, lengths.baseAddress, formats.baseAddress)
                    }
                }
            }
        }
    }
}

/// The types of values, by their numbers in PostgreSQL's catalog (`pg_type.dat`).
enum PostgresType {
    static let unknown: Oid = 0
    static let boolean: Oid = 16
    static let bytes: Oid = 17
    static let integers: Set<Oid> = [20, 21, 23, 26]
    static let reals: Set<Oid> = [700, 701]
    static let numeric: Oid = 1_700
    static let bigInteger: Oid = 20
    static let double: Oid = 701
}

extension SQLValue {
    fileprivate var type: Oid {
        switch self {
        case .null, .text: PostgresType.unknown
        case .integer: PostgresType.bigInteger
        case .real: PostgresType.double
        case .blob: PostgresType.bytes
        }
    }
}
