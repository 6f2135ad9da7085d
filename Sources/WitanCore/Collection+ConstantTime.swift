extension Collection<UInt8> {
    /// Whether both are the same, found in a time that depends on their lengths and not on where they differ.
    package func isEqualInConstantTime(to other: some Collection<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return zip(self, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
