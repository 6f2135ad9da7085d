/// One step from a value to a value in it.
package enum JSONPathComponent: Sendable, Hashable {
    /// To the value of an object's member.
    case name(String)
    /// To an element of an array, from 0.
    case index(Int)
}
