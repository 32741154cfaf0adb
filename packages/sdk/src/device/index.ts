export { indexedDbStore } from '@keyhaven/messaging'
export { enroll } from './enroll.ts'
export { requestDevice } from './request-device.ts'
export { resume } from './resume.ts'
