//! The bytes at the front of an input, which choose what happens with the rest.

/// Takes choices from the front of an input. When it is at its end every choice is 0.
#[derive(Debug)]
pub(crate) struct Steer<'a> {
    rest: &'a [u8],
}

impl<'a> Steer<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let bytes = self.take(N);
        array[..bytes.len()].copy_from_slice(bytes);
        array
    }

    /// At most `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// One of several things.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }
}

/// Where to cut: four sizes that take turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cuts([u8; 4]);

impl Cuts {
    pub(crate) fn of(steer: &mut Steer<'_>) -> Self {
        Self(steer.array())
    }

    /// The pieces of `bytes`, none of them empty: 1 to 128 bytes each, or a multiple of 64 up to 8 KiB.
    pub(crate) fn pieces<'a>(&self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        for size in self.0.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let size = usize::from(*size);
            let size = if size < 128 {
                size + 1
            } else {
                (size - 127) * 64
            };
            let (piece, behind) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces
    }
}
