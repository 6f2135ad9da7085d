import Synchronization

/// State split over several locks, so that few callers wait for the same one.
struct Shards<State: Sendable>: Sendable {
    private final class Shard: Sendable {
        let state: Mutex<State>

        init(_ state: State) {
            self.state = Mutex(state)
        }
    }

    private let shards: [Shard]

    /// The most that each shard may hold so that all of them hold at most the whole capacity.
    let capacityOfShard: Int

    /// Splits a capacity over sixteen shards, or leaves it in one when it is small.
    init(capacity: Int, _ makeState: (_ capacity: Int) -> State) {
        precondition(capacity > 0, "a capacity must be positive")
        let count = capacity < 1_024 ? 1 : 16
        let capacityOfShard = capacity / count
        self.capacityOfShard = capacityOfShard
        shards = (0..<count).map { _ in Shard(makeState(capacityOfShard)) }
    }

    /// How many shards there are.
    var count: Int { shards.count }

    /// The shard that a hash belongs to.
    func index(ofHash hash: Int) -> Int {
        // The low bits choose the bucket of a dictionary inside the shard.
        Int(truncatingIfNeeded: UInt(bitPattern: hash) >> 48) % shards.count
    }

    /// Runs `body` with exclusive use of one shard's state.
    func withLock<Result: Sendable>(_ index: Int, _ body: (inout State) -> Result) -> Result {
        shards[index].state.withLock { body(&$0) }
    }

    /// The sum of a number over all shards, each taken at its own moment.
    func sum(_ number: (State) -> Int) -> Int {
        shards.reduce(0) { $0 + $1.state.withLock { number($0) } }
    }
}
