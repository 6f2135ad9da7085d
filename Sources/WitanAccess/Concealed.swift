/// A value that shows nothing of itself in a string, a dump or a mirror, so that no log line holds it by accident.
package protocol Concealed: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {}

extension Concealed {
    /// The type's name alone.
    package var description: String { "\(Self.self)(****)" }

    /// The same as `description`.
    package var debugDescription: String { description }

    /// A mirror without children.
    package var customMirror: Mirror { Mirror(self, unlabeledChildren: EmptyCollection<Never>()) }
}
