import { encodePng } from './png.ts'
import { seededRandom } from './seeded-random.ts'
import { encodeTemplate, FACE_CHUNK, simulatedTemplate } from './simulated-template.ts'

const WIDTH = 240
const HEIGHT = 320
const RGB_BYTES = 3
/** Grain of the picture: enough that a photo of this size takes tens of kilobytes. */
const GRAIN = 6
const EYE_COLOURS = [
  [70, 45, 25],
  [90, 120, 150],
  [80, 110, 70],
] as const
const SKIN_COLOURS = [
  [236, 200, 175],
  [205, 160, 125],
  [160, 115, 85],
  [110, 75, 55],
] as const
type Colour = readonly [number, number, number]

/** An ellipse to paint: its middle, radii in pixels and colour. */
interface Spot {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly colour: Colour
}

/**
 * A drawing of a made-up person's face as a PNG image of some tens of kilobytes, with the simulated features of
 * that face in a chunk of its own.
 *
 * @param person - the person's seed.
 * @param capture - another text gives another capture: other grain and noise, the same face.
 */
export function simulatedFaceImage(person: string, capture: string): Uint8Array {
  const spots = faceOf(person)
  const grain = seededRandom(`grain ${person} ${capture}`)
  const rgb = new Uint8Array(WIDTH * HEIGHT * RGB_BYTES)
  for (let y = 0; y < HEIGHT; y++) {
    const shade = Math.round((y * 40) / HEIGHT)
    for (let x = 0; x < WIDTH; x++) {
      const colour = colourAt(spots, x, y)
      const light = grain.below(GRAIN) - shade
      const at = (y * WIDTH + x) * RGB_BYTES
      for (let channel = 0; channel < RGB_BYTES; channel++) {
        rgb[at + channel] = Math.min(255, Math.max(0, colour[channel]! + light))
      }
    }
  }
  const template = encodeTemplate(simulatedTemplate(person, 'Face', '', capture))
  return encodePng({ width: WIDTH, height: HEIGHT }, rgb, { type: FACE_CHUNK, data: template })
}

/** From back to front. */
function faceOf(person: string): readonly Spot[] {
  const random = seededRandom(`face ${person}`)
  const skin = random.pick(SKIN_COLOURS)
  const hair: Colour = [random.below(120), random.below(80), random.below(60)]
  const eyes = random.pick(EYE_COLOURS)
  const shirt: Colour = [random.below(200), random.below(200), random.below(200)]
  const wide = 62 + random.below(14)
  const apart = 24 + random.below(8)
  const eyeLine = 140 + random.below(12)
  const spot = (x: number, y: number, width: number, height: number, colour: Colour): Spot => {
    return { x, y, width, height, colour }
  }
  const middle = WIDTH / 2
  return [
    spot(middle, HEIGHT, 115, 75, shirt),
    spot(middle, 125, wide + 12, 95, hair),
    spot(middle, 235, 28, 50, skin),
    spot(middle, 155, wide, 90, skin),
    spot(middle - apart, eyeLine, 12, 7, [250, 250, 250]),
    spot(middle + apart, eyeLine, 12, 7, [250, 250, 250]),
    spot(middle - apart, eyeLine, 5, 6, eyes),
    spot(middle + apart, eyeLine, 5, 6, eyes),
    spot(middle, 175, 7, 16, [skin[0] - 20, skin[1] - 20, skin[2] - 20]),
    spot(middle, 208, 20 + random.below(10), 6, [170, 80, 80]),
  ]
}

function colourAt(spots: readonly Spot[], x: number, y: number): Colour {
  let colour: Colour = [225, 228, 232]
  for (const spot of spots) {
    const across = (x - spot.x) / spot.width
    const down = (y - spot.y) / spot.height
    if (across * across + down * down <= 1) colour = spot.colour
  }
  return colour
}
