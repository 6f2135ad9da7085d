/// Seeds for generated cases: some that stay, and a new one; a failure prints the seed as the test's argument.
enum Seeds {
    static let few: [UInt64] = [1, 2, 3, .random(in: .min ... .max)]
}
