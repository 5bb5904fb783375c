//! SM2 sixteen at a time, for processors with AVX-512 IFMA (Intel since Ice Lake, AMD since Zen 4).
//!
//! Every lane of the vector unit works for another key or signature. `limbs` and `field` are arithmetic modulo p,
//! `point` the additions and doublings, `digits` how scalars are taken apart, `base` the multiples of the base point,
//! `gather` the reading of tables that differ from lane to lane; `sign`, `verify` and `multiply` are what they are for.
//!
//! What is secret (nonces, private keys, points on the way to their multiples) decides neither a branch nor an
//! address, and is wiped. The lanes may fail to find a result, once in 2^250 or for numbers made up to that end; they
//! say so, and the single path finds it.

#![allow(unsafe_code, reason = "the doors to functions that need instructions the processor was asked for")]

mod base;
mod digits;
mod field;
mod gather;
mod limbs;
mod multiply;
mod point;
mod sign;
mod verify;

use zeroize::Zeroize;

use super::Signature;
use super::comb::Comb;
use super::many::{Claim, SignJob};
use super::point::Affine;
use super::scalar::Scalar;
use crate::detect::Features;

/// Proof that this processor has what the functions here need.
#[derive(Clone, Copy)]
pub(super) struct Ifma(());

impl Ifma {
    /// Asks the processor. Cheap: the standard library keeps the answer.
    pub(super) fn detect() -> Option<Self> {
        Features::detect().ifma.then_some(Self(()))
    }

    /// Signs each job.
    pub(super) fn sign(self, jobs: &[SignJob<'_>]) -> Vec<Signature> {
        // SAFETY: `self` exists on processors with these instructions only.
        unsafe { sign::sign(jobs) }
    }

    /// The multiple of the base point by each scalar, in constant time; `None` where the lanes did not find out.
    pub(super) fn times_base(self, scalars: &[Scalar]) -> Vec<Option<Affine>> {
        // SAFETY: `self` exists on processors with these instructions only.
        unsafe { multiply::times_base(scalars) }
    }

    /// The multiple of each point by its scalar, in constant time; `None` where the lanes did not find out.
    pub(super) fn times(self, factors: &[(&Affine, &Scalar)]) -> Vec<Option<Affine>> {
        // SAFETY: `self` exists on processors with these instructions only.
        unsafe { multiply::times(factors) }
    }

    /// Whether each claim holds, for the points of keys; `None` where the lanes did not find out.
    pub(super) fn verify(self, claims: &[(Claim, &Affine)]) -> Vec<Option<bool>> {
        // SAFETY: `self` exists on processors with these instructions only.
        unsafe { verify::verify(claims) }
    }

    /// Whether each claim holds, for the combs of keys; `None` where the lanes did not find out.
    pub(super) fn verify_known(self, claims: &[(Claim, &Comb)]) -> Vec<Option<bool>> {
        // SAFETY: `self` exists on processors with these instructions only.
        unsafe { verify::verify_known(claims) }
    }
}

/// Wipes numbers that were secret or lead to one.
fn wipe(numbers: &mut [field::Fe]) {
    for number in numbers {
        for limbs in &mut number.0 {
            limbs.zeroize();
        }
    }
}

/// Wipes a point that was read at a secret place.
fn wipe_affine(point: &mut point::Affine) {
    wipe(std::slice::from_mut(&mut point.x));
    wipe(std::slice::from_mut(&mut point.y));
}

/// Wipes points that were secret or lead to a secret.
fn wipe_points(points: &mut [point::Extended]) {
    for point in points {
        for number in [&mut point.x, &mut point.y, &mut point.zz, &mut point.zzz] {
            wipe(std::slice::from_mut(number));
        }
    }
}

#[cfg(test)]
mod tests;
