import Testing
import WitanJSON

@Suite("Merging")
struct JSONMergeTests {
    @Test(
        "a merge patch does what RFC 7396 shows in its appendix",
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
            (#"{"a":"b"}"#, #"{"a":null}"#, "{}"),
            (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
            (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
            (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
            (#"{"a":"foo"}"#, "null", "null"),
            (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
            (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
            ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
            ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
        ]
    )
    func patches(_ target: String, patch: String, result: String) throws {
        let patched = try JSONParser.parse(target).mergePatch(JSONParser.parse(patch))
        #expect(JSONWriter.string(of: patched) == result)
    }

    @Test("a merge patch keeps the order of the old members and puts the new ones behind")
    func patchKeepsOrder() throws {
        let target = try JSONParser.parse(#"{"c":1,"b":{"y":1,"x":2},"a":3}"#)
        let patch = try JSONParser.parse(#"{"z":0,"a":4,"b":{"w":5,"y":6},"c":7}"#)
        #expect(JSONWriter.string(of: target.mergePatch(patch)) == #"{"c":7,"b":{"y":6,"x":2,"w":5},"a":4,"z":0}"#)
    }

    @Test("a merge patch can remove 100,000 members at once")
    func patchRemovesMany() {
        var target = JSONObject()
        var patch = JSONObject()
        for number in 0..<100_000 {
            target["\(number)"] = true
            patch["\(number)"] = .some(.null)
        }
        target["left"] = true
        #expect(JSONValue.object(target).mergePatch(.object(patch)) == ["left": true])
    }

    @Test(
        "a deep merge merges objects, replaces everything else, and takes null for no change",
        arguments: [
            (#"{"a":1}"#, #"{"a":2}"#, #"{"a":2}"#),
            (#"{"a":1}"#, #"{"b":2}"#, #"{"a":1,"b":2}"#),
            (#"{"a":1}"#, #"{"a":null}"#, #"{"a":1}"#),
            (#"{"a":1}"#, #"{"b":null}"#, #"{"a":1}"#),
            (#"{"a":null}"#, #"{"a":1}"#, #"{"a":1}"#),
            (#"{"a":null}"#, #"{"a":null}"#, #"{"a":null}"#),
            (#"{"a":1}"#, "{}", #"{"a":1}"#),
            (#"{"a":1}"#, "null", #"{"a":1}"#),
            (#"{"a":1}"#, "[2]", "[2]"),
            ("[1]", #"{"a":2}"#, #"{"a":2}"#),
            ("[1,2]", "[3]", "[3]"),
            ("null", #"{"a":1}"#, #"{"a":1}"#),
            (#"{"a":{"x":1,"y":2},"b":3}"#, #"{"a":{"y":4,"z":5}}"#, #"{"a":{"x":1,"y":4,"z":5},"b":3}"#),
            (#"{"a":{"x":{"p":1}}}"#, #"{"a":{"x":{"p":null,"q":2}}}"#, #"{"a":{"x":{"p":1,"q":2}}}"#),
            (#"{"a":{"x":1}}"#, #"{"a":2}"#, #"{"a":2}"#),
            (#"{"a":[{"x":1}]}"#, #"{"a":[{"y":2}]}"#, #"{"a":[{"y":2}]}"#),
            (#"{"a":1}"#, #"{"a":{"x":null}}"#, #"{"a":{"x":null}}"#),
            (#"{"c":1,"b":2,"a":3}"#, #"{"z":0,"a":4,"c":5}"#, #"{"c":5,"b":2,"a":4,"z":0}"#),
        ]
    )
    func merges(_ target: String, changes: String, result: String) throws {
        let merged = try JSONParser.parse(target).mergedDeeply(with: JSONParser.parse(changes))
        #expect(JSONWriter.string(of: merged) == result)
    }

    @Test(
        "whatever the values, merging nothing changes nothing and merging twice is merging once",
        arguments: [
            Seed.ofThisRun
        ]
    )
    func mergesGeneratedValues(_ seed: Seed) {
        var maker = ValueMaker(seed)
        for _ in 0..<1_000 {
            let old = maker.document()
            let new = maker.document()
            let merged = old.mergedDeeply(with: new)
            let patched = old.mergePatch(new)
            #expect(old.mergedDeeply(with: .null) == old)
            #expect(old.mergedDeeply(with: old) == old)
            #expect(merged.mergedDeeply(with: new) == merged)
            #expect(patched.mergePatch(new) == patched)
        }
    }
}
