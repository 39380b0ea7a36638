//! Writes small ONNX files by hand, to have networks that are wrong on purpose. The format is protocol buffers; the field
//! numbers are those of `onnx.proto` (ONNX 1.x).

/// One dimension of a tensor.
pub enum Dim {
    /// That many.
    Is(u64),
    /// Open, by name.
    Open(&'static str),
}

/// A network that is a chain of operators from input `in` to output `out`, both 32-bit floats.
pub struct Tiny {
    /// Operators without attributes, such as `Sqrt`, in order.
    pub chain: &'static [&'static str],
    /// Shape of the input.
    pub input: Vec<Dim>,
    /// Shape of the output.
    pub output: Vec<Dim>,
    /// Version of the operator set.
    pub opset: u64,
}

impl Tiny {
    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut graph: Vec<u8> = (0..self.chain.len()).flat_map(|at| message(1, &self.node(at))).collect();
        graph.extend(text(2, "tiny"));
        graph.extend(message(11, &value("in", &self.input)));
        graph.extend(message(12, &value("out", &self.output)));
        let opset = [text(1, ""), number(2, self.opset)].concat();
        [number(1, 8), message(8, &opset), message(7, &graph)].concat()
    }

    /// `NodeProto`: from the one before it, or the input, to the one after it, or the output.
    fn node(&self, at: usize) -> Vec<u8> {
        let name = |place: usize| match place {
            0 => "in".to_owned(),
            last if last == self.chain.len() => "out".to_owned(),
            between => format!("t{between}"),
        };
        [text(1, &name(at)), text(2, &name(at + 1)), text(4, self.chain[at])].concat()
    }
}

/// `ValueInfoProto`: a name and a float tensor's shape.
fn value(name: &str, dims: &[Dim]) -> Vec<u8> {
    let dims = dims.iter().map(|dim| match dim {
        Dim::Is(n) => message(1, &number(1, *n)),
        Dim::Open(name) => message(1, &text(2, name)),
    });
    let shape: Vec<u8> = dims.flatten().collect();
    let tensor = [number(1, 1), message(2, &shape)].concat();
    [text(1, name), message(2, &message(1, &tensor))].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn message(field: u64, content: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn text(field: u64, content: &str) -> Vec<u8> {
    message(field, content.as_bytes())
}
