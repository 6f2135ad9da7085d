/// Values one after another, each with its kind and length, so that no two lists of values give the same bytes.
///
/// The codes of the audit log are of these bytes, so they stay as they are for as long as any log is kept.
struct ValueEncoding {
    /// The label and the values so far.
    private(set) var bytes: [UInt8]

    /// Begins with a label, which tells one use of the same values from another.
    init(label: String = "") {
        bytes = Array(label.utf8)
        bytes.reserveCapacity(512)
    }

    /// Adds a value; a text goes in as its bytes, in which texts that Swift calls equal may differ.
    mutating func add(_ value: SQLValue) {
        switch value {
        case .null: add(kind: 0, [])
        case .integer(let integer): withUnsafeBytes(of: integer.bigEndian) { add(kind: 1, $0) }
        case .real(let real): withUnsafeBytes(of: real.bitPattern.bigEndian) { add(kind: 2, $0) }
        case .text(let text): add(kind: 3, text.utf8)
        case .blob(let blob): add(kind: 4, blob)
        }
    }

    private mutating func add(kind: UInt8, _ content: some Collection<UInt8>) {
        bytes.append(kind)
        withUnsafeBytes(of: UInt64(content.count).bigEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: content)
    }
}
