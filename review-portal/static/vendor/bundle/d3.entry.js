export { scaleBand, scaleLinear, scalePoint } from "d3-scale"
export { line } from "d3-shape"
