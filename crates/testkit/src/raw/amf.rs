//! As much of AMF0 as commands need.

/// An AMF0 value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Marker 0.
    Number(f64),
    /// Marker 1.
    Boolean(bool),
    /// Marker 2, or 12 for a long one.
    Text(String),
    /// Marker 3, or 8 for an ECMA array.
    Object(Vec<(String, Self)>),
    /// Marker 5, or 6 for undefined.
    Null,
    /// Marker 10.
    List(Vec<Self>),
}

impl Value {
    /// A text value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The text, when it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, when it is one.
    #[must_use]
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The property of an object.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(properties) => properties
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Writes values one behind the other.
pub(crate) fn encode(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        encode_one(&mut out, value);
    }
    out
}

fn encode_one(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => {
            out.push(0);
            out.extend(number.to_be_bytes());
        }
        Value::Boolean(yes) => out.extend([1, u8::from(*yes)]),
        Value::Text(text) => {
            out.push(2);
            encode_text(out, text);
        }
        Value::Object(properties) => {
            out.push(3);
            for (key, value) in properties {
                encode_text(out, key);
                encode_one(out, value);
            }
            out.extend([0, 0, 9]);
        }
        Value::Null => out.push(5),
        Value::List(items) => {
            out.push(10);
            let count = u32::try_from(items.len()).expect("a short list");
            out.extend(count.to_be_bytes());
            for item in items {
                encode_one(out, item);
            }
        }
    }
}

fn encode_text(out: &mut Vec<u8>, text: &str) {
    out.extend(
        u16::try_from(text.len())
            .expect("a short text")
            .to_be_bytes(),
    );
    out.extend(text.as_bytes());
}

/// Reads all values of a body; what cannot be read ends the list.
pub(crate) fn decode(mut bytes: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while let Some(value) = decode_one(&mut bytes) {
        values.push(value);
    }
    values
}

fn decode_one(bytes: &mut &[u8]) -> Option<Value> {
    let [marker] = take(bytes)?;
    match marker {
        0 => Some(Value::Number(f64::from_be_bytes(take(bytes)?))),
        1 => take(bytes).map(|[byte]: [u8; 1]| Value::Boolean(byte != 0)),
        2 => decode_text(bytes).map(Value::Text),
        3 => decode_properties(bytes),
        5 | 6 => Some(Value::Null),
        8 => {
            let _count: [u8; 4] = take(bytes)?;
            decode_properties(bytes)
        }
        10 => {
            let count = u32::from_be_bytes(take(bytes)?);
            let items: Option<Vec<Value>> = (0..count).map(|_| decode_one(bytes)).collect();
            items.map(Value::List)
        }
        12 => {
            let length = u32::from_be_bytes(take(bytes)?);
            text_of(bytes, usize::try_from(length).ok()?).map(Value::Text)
        }
        _ => None,
    }
}

fn decode_properties(bytes: &mut &[u8]) -> Option<Value> {
    let mut properties = Vec::new();
    loop {
        let key = decode_text(bytes)?;
        if key.is_empty() && bytes.first() == Some(&9) {
            let _end: [u8; 1] = take(bytes)?;
            return Some(Value::Object(properties));
        }
        properties.push((key, decode_one(bytes)?));
    }
}

fn decode_text(bytes: &mut &[u8]) -> Option<String> {
    let length = u16::from_be_bytes(take(bytes)?);
    text_of(bytes, usize::from(length))
}

fn text_of(bytes: &mut &[u8], length: usize) -> Option<String> {
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(String::from_utf8_lossy(text).into_owned())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_there_and_back() {
        let values = [
            Value::text("onStatus"),
            Value::Number(2.5),
            Value::Null,
            Value::Boolean(true),
            Value::List(vec![Value::text("hvc1"), Value::Number(1.0)]),
            Value::Object(vec![(
                "code".to_owned(),
                Value::text("NetStream.Play.Start"),
            )]),
        ];
        assert_eq!(decode(&encode(&values)), values);
        assert_eq!(
            values[5].property("code").and_then(Value::as_text),
            Some("NetStream.Play.Start")
        );
    }
}
