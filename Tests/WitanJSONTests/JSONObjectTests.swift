import Testing

@testable import WitanJSON

@Suite("JSONObject")
struct JSONObjectTests {
    @Test("a new name goes to the end, a known one keeps its place, and nil removes")
    func setsMembers() {
        var object: JSONObject = ["b": 1, "a": 2]
        object["c"] = 3
        object["b"] = 4
        object.append("d", nil)
        object.append("a", "new")
        #expect(JSONWriter.string(of: .object(object)) == #"{"b":4,"a":"new","c":3,"d":null}"#)
        object["a"] = nil
        object["absent"] = nil
        #expect(JSONWriter.string(of: .object(object)) == #"{"b":4,"c":3,"d":null}"#)
        #expect(object["a"] == nil)
        #expect(object["d"] == .some(.null))
        #expect(object.count == 3)
    }

    @Test("setting a JSON null keeps the member")
    func setsNull() {
        var object: JSONObject = ["a": 1]
        object["a"] = .some(.null)
        #expect(object == ["a": nil])
    }

    @Test("of a name given twice in a literal, the first place and the last value stay")
    func readsLiteral() {
        #expect(["a": 1, "b": 2, "a": 3] as JSONObject == ["a": 3, "b": 2])
    }

    @Test("a copy doesn't change with the original, few members or many", arguments: [1, 100])
    func hasValueSemantics(_ count: Int) {
        var object = JSONObject()
        for number in 0..<count {
            object["\(number)"] = JSONValue.number(JSONNumber(number))
        }
        let copy = object
        object["0"] = "changed"
        object["new"] = true
        #expect(copy["0"] == 0)
        #expect(copy["new"] == nil)
        #expect(copy.count == count)
    }

    @Test("acts like a plain list of members, through every size", arguments: [Seed.ofThisRun])
    func actsLikeAList(_ seed: Seed) {
        var random = SeededGenerator(seed)
        var object = JSONObject()
        var list: [(name: String, value: JSONValue)] = []
        for step in 0..<5_000 {
            // Growing and shrinking in turns leads past the size from which names are indexed, both ways.
            let removes = Int.random(in: 0..<10, using: &random) < (step / 500 % 2 == 0 ? 2 : 6)
            let name = "name\(Int.random(in: 0..<40, using: &random))"
            let value: JSONValue? = removes ? .none : .number(JSONNumber(step))
            let position = list.firstIndex { $0.name == name }
            object[name] = value
            switch (position, value) {
            case (let position?, let value?): list[position].value = value
            case (let position?, nil): list.remove(at: position)
            case (nil, let value?): list.append((name, value))
            case (nil, nil): break
            }
            #expect(object.members.elementsEqual(list) { $0.name == $1.name && $0.value == $1.value })
            #expect(object[name] == value)
        }
    }

    @Test("names that only Unicode takes for the same are two members, few members or many", arguments: [0, 100])
    func tellsEquivalentNamesApart(_ others: Int) {
        var object = JSONObject()
        for number in 0..<others {
            object["\(number)"] = true
        }
        object["\u{E9}"] = 1
        object["e\u{301}"] = 2
        #expect(object.count == others + 2)
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
    }
}
