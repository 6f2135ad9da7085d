/// The shortest ways from some nodes to all that can be reached along edges, found breadth first.
///
/// Cycles do no harm.
struct ShortestPaths<Node: Hashable> {
    /// Each node that was reached, with the one before it; nil where a way begins.
    private var previous: [Node: Node?] = [:]

    init(from start: some Sequence<Node>, through edges: [Node: [Node]]) {
        var reached: [Node] = []
        for node in start where previous.updateValue(nil, forKey: node) == nil { reached.append(node) }
        var next = 0
        while next < reached.count {
            let node = reached[next]
            for neighbor in edges[node] ?? [] where previous[neighbor] == nil {
                previous[neighbor] = .some(node)
                reached.append(neighbor)
            }
            next += 1
        }
    }

    /// The nodes on the way to one of them, both ends included; nil when it cannot be reached.
    func path(to node: Node) -> [Node]? {
        guard previous[node] != nil else { return nil }
        var path = [node]
        while let before = previous[path[path.count - 1]], let before { path.append(before) }
        return path.reversed()
    }
}
