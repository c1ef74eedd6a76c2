/**
 * Small checks that compose: a shape looks at a value and throws where it is not as promised.
 * Values pass through untouched, so checking costs no copies.
 * @typedef {(value: any, path: string) => void} Shape
 */

class Mismatch extends Error {}

/** @param {string} path @param {string} wanted @returns {never} */
function fail(path, wanted) {
  throw new Mismatch(`${path}: ${wanted} was expected`)
}

/** @type {Shape} */
export const number = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) fail(path, 'a number')
}
/** @type {Shape} */
export const int = (value, path) => {
  if (!Number.isSafeInteger(value)) fail(path, 'a whole number')
}
/** @type {Shape} */
export const bool = (value, path) => {
  if (typeof value !== 'boolean') fail(path, 'true or false')
}

/** @param {number} limit characters @returns {Shape} */
export const string = (limit) => (value, path) => {
  if (typeof value !== 'string') fail(path, 'a string')
  if (value.length > limit) fail(path, `at most ${limit} characters`)
}

/** @param {readonly string[]} values @returns {Shape} */
export const oneOf = (values) => (value, path) => {
  if (!values.includes(value)) fail(path, `one of ${values.join(', ')}`)
}

/** Absent and null are the same. @param {Shape} shape @returns {Shape} */
export const optional = (shape) => (value, path) => {
  if (value !== undefined && value !== null) shape(value, path)
}

/** @param {Shape} shape @returns {Shape} */
export const array = (shape) => (value, path) => {
  if (!Array.isArray(value)) fail(path, 'a list')
  for (let i = 0; i < value.length; i++) shape(value[i], `${path}[${i}]`)
}

/** A map with string keys. @param {Shape} [shape] of its values @returns {Shape} */
export const record = (shape) => (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(path, 'an object')
  if (shape) for (const key of Object.keys(value)) shape(value[key], `${path}.${key}`)
}

/** Fields beside the named ones are allowed. @param {Record<string, Shape>} fields @returns {Shape} */
export const object = (fields) => {
  const entries = Object.entries(fields)
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(path, 'an object')
    for (const [key, shape] of entries) shape(value[key], `${path}.${key}`)
  }
}

/**
 * Runs a shape; a mismatch becomes the caller's own error.
 * @param {Shape} shape @param {any} value @param {string} path
 * @param {new (message: string) => Error} Failure
 */
export function check(shape, value, path, Failure) {
  try {
    shape(value, path)
  } catch (error) {
    throw error instanceof Mismatch ? new Failure(error.message) : error
  }
}
