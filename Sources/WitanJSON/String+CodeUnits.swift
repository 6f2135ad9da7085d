/// JSON's notion of equal strings (RFC 8259, 8.3): code units, where `String` goes by Unicode equivalence.
extension String {
    func hasSameCodeUnits(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    func hashCodeUnits(into hasher: inout Hasher) {
        var copy = self
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // Ends the string, so that two in a row can't hash like another split of the same bytes.
        hasher.combine(0xFF as UInt8)
    }
}
