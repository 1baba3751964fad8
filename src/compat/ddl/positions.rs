//! Where in the client's text an error is that the server found in ours.

/// Which pieces of a changed text are where in the original. Both are counted in characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Positions {
    /// In the order of both texts.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    changed: usize,
    original: usize,
    length: usize,
}

impl Positions {
    /// The position in the original of one in the changed text; both begin at 1, as field P of an
    /// ErrorResponse does (manual §55.8). What was put in has that of what it was put in for.
    pub fn original(&self, position: usize) -> usize {
        let at = position.saturating_sub(1);
        let behind = self.pieces.partition_point(|piece| piece.changed <= at);
        let piece = behind.checked_sub(1).and_then(|i| self.pieces.get(i));
        piece.map_or(position, |piece| {
            piece.original + (at - piece.changed).min(piece.length) + 1
        })
    }

    /// What begins here in both texts has been copied.
    pub(super) fn copied(&mut self, changed: usize, original: usize, length: usize) {
        self.pieces.push(Piece {
            changed,
            original,
            length,
        });
    }
}
