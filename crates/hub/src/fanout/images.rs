//! Images of frames that a shape changes, for the players that share the shape.

use std::collections::VecDeque;

use bongsu_flv::Shape;

use super::own::Made;
use crate::limits::{SHAPED_IMAGES_BYTES_MAX, SHAPED_IMAGES_MAX};

/// What the frame at one place is in one shape.
#[derive(Debug)]
struct Shaped {
    at: u64,
    shape: Shape,
    /// `None` when nothing is left of it.
    image: Option<Made>,
}

impl Shaped {
    fn len(&self) -> usize {
        self.image.as_ref().map_or(0, |image| image.bytes.len())
    }
}

/// The images made last, for message stream 1: players of a shape are served one after the other, and the first one of
/// them makes what the others need.
#[derive(Debug, Default)]
pub(super) struct Images {
    made: VecDeque<Shaped>,
    bytes: usize,
}

impl Images {
    /// The image of the frame at this place in this shape, made when it is not there. `None`: nothing is left of it.
    pub(super) fn get(
        &mut self,
        at: u64,
        shape: Shape,
        make: impl FnOnce() -> Option<Made>,
    ) -> Option<Made> {
        let there = |made: &&Shaped| made.at == at && made.shape == shape;
        if let Some(made) = self.made.iter().rev().find(there) {
            return made.image.clone();
        }
        let image = make();
        let made = Shaped {
            at,
            shape,
            image: image.clone(),
        };
        self.bytes += made.len();
        self.made.push_back(made);
        while self.made.len() > SHAPED_IMAGES_MAX || self.bytes > SHAPED_IMAGES_BYTES_MAX {
            let Some(oldest) = self.made.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
        }
        image
    }

    /// Bytes of wire images in them.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Panics when they are more than they may be, or wrongly counted.
    pub(super) fn check_invariants(&self) {
        let bytes: usize = self.made.iter().map(Shaped::len).sum();
        assert_eq!(bytes, self.bytes(), "bytes are counted");
        assert!(bytes <= SHAPED_IMAGES_BYTES_MAX && self.made.len() <= SHAPED_IMAGES_MAX);
    }

    /// Lets go of all of them: other frames come.
    pub(super) fn clear(&mut self) {
        self.made.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// How often images are made when these are asked for in turn.
    fn made(images: &mut Images, asked: &[(u64, Shape, usize)]) -> usize {
        let mut count = 0;
        for &(at, shape, len) in asked {
            let image = images.get(at, shape, || {
                count += 1;
                Some(Made {
                    bytes: Bytes::from(vec![0; len]),
                    own: None,
                })
            });
            assert_eq!(image.map(|image| image.bytes.len()), Some(len));
        }
        count
    }

    #[test]
    fn each_frame_is_made_once_per_shape() {
        let mut images = Images::default();
        let (a, b) = (Shape::DEFAULT_TRACK, Shape::LEGACY);
        let asked = [
            (1, a, 5),
            (2, a, 6),
            (1, a, 5),
            (1, b, 7),
            (2, a, 6),
            (1, b, 7),
        ];
        assert_eq!(made(&mut images, &asked), 3);
        images.clear();
        assert_eq!(made(&mut images, &asked[..1]), 1);
        assert!(images.get(3, a, || None).is_none());
        let again = images.get(3, a, || panic!("nothing is left of it: that is known"));
        assert!(again.is_none());
    }

    #[test]
    fn images_at_the_limits_are_kept_and_past_them_the_oldest_goes() {
        let shape = Shape::LEGACY;
        let all: Vec<_> = (0..SHAPED_IMAGES_MAX as u64)
            .map(|at| (at, shape, 1))
            .collect();
        let mut images = Images::default();
        assert_eq!(made(&mut images, &all), SHAPED_IMAGES_MAX);
        assert_eq!(made(&mut images, &all), 0);
        assert_eq!(
            made(
                &mut images,
                &[(900, shape, 1), (1, shape, 1), (0, shape, 1)]
            ),
            2
        );

        let half = SHAPED_IMAGES_BYTES_MAX / 2;
        let mut images = Images::default();
        let two = [(0, shape, half), (1, shape, half)];
        assert_eq!((made(&mut images, &two), made(&mut images, &two)), (2, 0));
        assert_eq!(
            made(
                &mut images,
                &[(2, shape, 1), (1, shape, half), (0, shape, half)]
            ),
            2
        );
        let larger = [(7, shape, SHAPED_IMAGES_BYTES_MAX + 1)];
        assert_eq!((made(&mut images, &larger), images.bytes), (1, 0));
    }
}
