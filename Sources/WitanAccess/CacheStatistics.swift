/// What a cache has done since it was made.
package struct CacheStatistics: Sendable, Hashable {
    /// Look-ups that found a value.
    package let hits: Int

    /// Look-ups that did not.
    package let misses: Int

    /// Values that had to go for others.
    package let evictions: Int

    /// Values that are there now.
    package let count: Int
}
