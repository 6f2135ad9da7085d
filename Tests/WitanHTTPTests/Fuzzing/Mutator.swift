import WitanCore

/// Makes inputs that are nearly those of a corpus.
struct Mutator {
    private let corpus: [[UInt8]]
    private var random: RandomSource

    /// Mutates the inputs of a corpus that is not empty, in the same way for the same seed.
    init(corpus: [[UInt8]], seed: UInt64) {
        self.corpus = corpus
        random = .seeded(seed)
    }

    /// An input of the corpus with one to four changes.
    mutating func next() -> [UInt8] {
        var bytes = input()
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            change(&bytes)
        }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...8, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes.replaceSubrange(place..<end, with: [.random(in: .min ... .max, using: &random)])
        case 1: bytes.insert(.random(in: 0x20...0x7E, using: &random), at: place)
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4: bytes.removeSubrange(place...)
        default: bytes.replaceSubrange(place..., with: input().dropFirst(place))
        }
    }

    private mutating func input() -> [UInt8] {
        corpus[Int.random(in: corpus.indices, using: &random)]
    }
}
