//! Re-encodes uploaded images from their pixels, so that neither metadata nor data hidden in the file is kept.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    Rgba, RgbaImage,
};

/// Width and height of an avatar in pixels.
pub const SIDE: u32 = 256;
/// Maximum length of the longer side of other pictures, in pixels.
pub const LONGEST_SIDE: u32 = 1600;
/// Checked before anything is decoded.
const MAX_PIXELS: u64 = 25_000_000;
/// Memory limit of a decoder in bytes: four channels of 16 bits per pixel, twice.
const MAX_MEMORY: u64 = 2 * 8 * MAX_PIXELS;
/// Maximum size of an opaque lossless picture in bytes: drawings are smaller, photographs many times larger.
const MAX_OPAQUE_LOSSLESS: usize = 300_000;
/// Maximum size of a lossless picture with transparency, in bytes.
const MAX_LOSSLESS: usize = 4_000_000;
/// Quality of JPEG files, out of 100.
const JPEG_QUALITY: u8 = 85;

/// Why an image cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("not a readable PNG, JPEG or WebP image")]
    Unreadable,
    #[error("an image may have at most 25 megapixels")]
    TooManyPixels,
}

/// A re-encoded picture.
#[derive(Debug)]
pub struct Picture {
    pub bytes: Vec<u8>,
    /// `webp` or `jpg`.
    pub extension: &'static str,
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooManyPixels,
            _ => Self::Unreadable,
        }
    }
}

/// Crops the centre to a square WebP image. Takes up to a second of CPU time: never on an async worker thread.
pub fn squared(upload: &[u8]) -> Result<Picture, PictureError> {
    let (image, orientation) = decoded(upload)?;
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    // Cropped before it is scaled: otherwise an image of a single line of a million pixels becomes huge.
    let mut square = image
        .crop_imm((width - side) / 2, (height - side) / 2, side, side)
        .resize_exact(SIDE, SIDE, FilterType::Triangle);
    square.apply_orientation(orientation);
    lossless(&square.to_rgba8())
}

/// Scales the picture down if it is large: WebP for drawings and transparency, JPEG for photographs. Takes seconds of CPU
/// time.
pub fn fitted(upload: &[u8]) -> Result<Picture, PictureError> {
    let (mut image, orientation) = decoded(upload)?;
    if image.width().max(image.height()) > LONGEST_SIDE {
        image = image.thumbnail(LONGEST_SIDE, LONGEST_SIDE);
    }
    image.apply_orientation(orientation);
    let pixels = image.to_rgba8();
    let picture = lossless(&pixels)?;
    let opaque = pixels.pixels().all(|Rgba([_, _, _, alpha])| *alpha == 255);
    let most = if opaque {
        MAX_OPAQUE_LOSSLESS
    } else {
        MAX_LOSSLESS
    };
    if picture.bytes.len() <= most {
        return Ok(picture);
    }
    photograph(&pixels)
}

fn decoded(upload: &[u8]) -> Result<(DynamicImage, Orientation), PictureError> {
    let mut reader = ImageReader::new(Cursor::new(upload))
        .with_guessed_format()
        .map_err(|_unreadable| PictureError::Unreadable)?;
    // The format is detected from the content.
    let known = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP];
    let format = reader.format();
    if !format.is_some_and(|format| known.contains(&format)) {
        return Err(PictureError::Unreadable);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PictureError::TooManyPixels);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

fn lossless(pixels: &RgbaImage) -> Result<Picture, PictureError> {
    let mut bytes = Vec::new();
    WebPEncoder::new_lossless(&mut bytes).encode(
        pixels.as_raw(),
        pixels.width(),
        pixels.height(),
        ExtendedColorType::Rgba8,
    )?;
    Ok(Picture {
        bytes,
        extension: "webp",
    })
}

/// Encodes as JPEG, on white where the picture is transparent.
fn photograph(pixels: &RgbaImage) -> Result<Picture, PictureError> {
    let mut paper = RgbaImage::from_pixel(pixels.width(), pixels.height(), Rgba([255; 4]));
    imageops::overlay(&mut paper, pixels, 0, 0);
    let opaque = DynamicImage::from(paper).to_rgb8();
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&opaque)?;
    Ok(Picture {
        bytes,
        extension: "jpg",
    })
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn drawn(upload: &[u8]) -> RgbaImage {
        let square = squared(upload).unwrap().bytes;
        let format = image::guess_format(&square).unwrap();
        assert_eq!(format, ImageFormat::WebP);
        let square = image::load_from_memory(&square).unwrap();
        assert_eq!((square.width(), square.height()), (SIDE, SIDE));
        square.to_rgba8()
    }

    /// Red on the left, green in the middle, blue on the right.
    fn flag() -> DynamicImage {
        RgbImage::from_fn(90, 30, |x, _| match x {
            0..30 => Rgb([255, 0, 0]),
            30..60 => Rgb([0, 255, 0]),
            _ => Rgb([0, 0, 255]),
        })
        .into()
    }

    #[test]
    fn the_middle_of_a_picture_of_any_kind_is_kept() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let Rgba([red, green, blue, alpha]) =
                *drawn(&encoded(&flag(), format)).get_pixel(128, 128);
            assert!(
                red < 20 && green > 235 && blue < 20 && alpha == 255,
                "{format:?} {red} {green} {blue}"
            );
        }
    }

    #[test]
    fn what_is_transparent_stays_so() {
        let clear = RgbaImage::from_pixel(10, 10, Rgba([9, 9, 9, 0]));
        let clear = encoded(&clear.into(), ImageFormat::Png);
        assert_eq!(drawn(&clear).get_pixel(5, 5).0[3], 0);
    }

    #[test]
    fn a_picture_of_one_line_is_cut_before_it_is_scaled() {
        for (width, height) in [(1, 1), (1, 100_000), (100_000, 1)] {
            let line = DynamicImage::new_luma8(width, height);
            drawn(&encoded(&line, ImageFormat::Png));
        }
    }

    #[test]
    fn what_is_hidden_in_or_behind_a_picture_is_gone() {
        let mut upload = encoded(&flag(), ImageFormat::Png);
        upload.extend_from_slice(b"<script>alert(1)</script>");
        for kept in [squared(&upload).unwrap(), fitted(&upload).unwrap()] {
            assert!(!kept.bytes.windows(8).any(|part| part == b"<script>"));
        }
    }

    /// A PNG that claims to be so large, with nothing in it.
    fn claiming(width: u32, height: u32) -> Vec<u8> {
        let mut png = encoded(&DynamicImage::new_luma8(1, 1), ImageFormat::Png);
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&checksum.to_be_bytes());
        png
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
            })
        })
    }

    #[test]
    fn a_picture_of_too_many_pixels_is_not_decoded() {
        for (width, height) in [
            (5_001, 5_000),
            (100_000, 100_000),
            (0x7fff_ffff, 0x7fff_ffff),
        ] {
            for draw in [squared, fitted] {
                let refusal = draw(&claiming(width, height)).unwrap_err();
                assert_eq!(refusal, PictureError::TooManyPixels);
            }
        }
    }

    #[test]
    fn whatever_else_is_sent_is_refused() {
        let gif = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;".as_slice();
        let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#.as_slice();
        let png = encoded(&flag(), ImageFormat::Png);
        let webp = b"RIFF\x04\x00\x00\x00WEBP".as_slice();
        for other in [
            b"".as_slice(),
            b"\x00",
            gif,
            svg,
            webp,
            &png[..png.len() / 2],
            &png[..8],
        ] {
            for draw in [squared, fitted] {
                assert_eq!(
                    draw(other).unwrap_err(),
                    PictureError::Unreadable,
                    "{other:?}"
                );
            }
        }
    }

    /// What cannot be made smaller without loss.
    fn noise(width: u32, height: u32, alpha: u8) -> Vec<u8> {
        let image = RgbaImage::from_fn(width, height, |_, _| {
            let [red, green, blue] = rand::random();
            Rgba([red, green, blue, alpha])
        });
        encoded(&image.into(), ImageFormat::Png)
    }

    #[test]
    fn a_drawing_stays_as_it_is_and_a_photograph_becomes_a_jpeg() {
        let drawing = fitted(&encoded(&flag(), ImageFormat::Png)).unwrap();
        assert_eq!(drawing.extension, "webp");
        let drawing = image::load_from_memory(&drawing.bytes).unwrap();
        assert_eq!(drawing.to_rgb8(), flag().to_rgb8());
        let photograph = fitted(&noise(400, 300, 255)).unwrap();
        assert_eq!(photograph.extension, "jpg");
        let format = image::guess_format(&photograph.bytes).unwrap();
        assert_eq!(format, ImageFormat::Jpeg);
        assert_eq!(fitted(&noise(400, 300, 100)).unwrap().extension, "webp");
    }

    #[test]
    fn a_large_picture_is_made_to_fit_and_keeps_its_shape() {
        for (width, height, fits) in [
            (3200, 800, (1600, 400)),
            (800, 3200, (400, 1600)),
            (1600, 1600, (1600, 1600)),
            (100_000, 1, (1600, 1)),
        ] {
            let image = DynamicImage::new_luma8(width, height);
            let kept = fitted(&encoded(&image, ImageFormat::Png)).unwrap();
            let kept = image::load_from_memory(&kept.bytes).unwrap();
            assert_eq!((kept.width(), kept.height()), fits);
        }
    }
}
