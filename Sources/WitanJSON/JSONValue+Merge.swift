/// The two ways to change a value by another one.
extension JSONValue {
    /// This value with another laid over it: the rule of the hosted API's PATCH.
    ///
    /// Objects are merged member by member, at any depth; a null changes nothing, so neither removes nor adds a member;
    /// everything else, arrays included, replaces what was there and is taken as given. New members follow the old.
    package func mergedDeeply(with changes: JSONValue) -> JSONValue {
        switch (self, changes) {
        case (_, .null):
            return self
        case (.object(var merged), .object(let changes)):
            for (name, change) in changes.members where !change.isNull {
                merged[name] = merged[name]?.mergedDeeply(with: change) ?? change
            }
            return .object(merged)
        default:
            return changes
        }
    }

    /// This value changed by a merge patch (RFC 7396).
    ///
    /// Objects are merged member by member, at any depth; a null removes a member; everything else, arrays included,
    /// replaces what was there. New members follow the old ones, without the nulls in them.
    package func mergePatch(_ patch: JSONValue) -> JSONValue {
        guard case .object(let patch) = patch else { return patch }
        let target = object ?? JSONObject()
        var patched = JSONObject()
        for (name, value) in target.members {
            switch patch[name] {
            case nil: patched.append(name, value)
            case .some(.null): continue
            case .some(let change): patched.append(name, value.mergePatch(change))
            }
        }
        for (name, change) in patch.members where !change.isNull && target[name] == nil {
            patched.append(name, JSONValue.null.mergePatch(change))
        }
        return .object(patched)
    }
}
