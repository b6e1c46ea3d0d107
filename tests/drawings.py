"""Digits drawn by strokes, with pens, sizes, slants and places that MNIST lacks.

Each hand below draws every digit as lines and arcs in a square of 1 by 1; `drawings` varies pen,
size, slant, place and steadiness by fixed seeds. No network was chosen by them."""
import math, random
import numpy as np
from PIL import Image, ImageDraw, ImageOps

def arc(x, y, rx, ry, start, end):
    "Points of an ellipse around (x, y), clockwise, in degrees from 3 o'clock"
    n = max(2, round(abs(end-start)/9))
    angles = [math.radians(start + (end-start)*i/n) for i in range(n+1)]
    return [(x + rx*math.cos(a), y + ry*math.sin(a)) for a in angles]

hands = [  # digit to strokes
    {0: [arc(.5, .5, .32, .45, -90, 275)],
     1: [[(.5,.05), (.5,.95)]],
     2: [arc(.5, .3, .28, .25, -170, 40) + [(.2,.93), (.82,.93)]],
     3: [arc(.45, .28, .3, .23, -150, 90) + arc(.45, .72, .34, .22, -90, 145)],
     4: [[(.3,.05), (.18,.58), (.82,.58)], [(.65,.1), (.62,.97)]],
     5: [[(.75,.06), (.3,.06), (.27,.45)] + arc(.47, .67, .32, .27, -110, 140)],
     6: [[(.68,.05), (.42,.3)] + arc(.48, .69, .29, .26, 190, -170)],
     7: [[(.18,.08), (.82,.08), (.42,.96)]],
     8: [arc(.5, .27, .24, .22, 90, 450) + arc(.5, .73, .3, .24, -90, 270)],
     9: [arc(.5, .3, .27, .24, 0, -350) + [(.77,.3), (.68,.96)]]},
    {0: [arc(.5, .5, .25, .47, -60, 300)],
     1: [[(.32,.25), (.54,.05), (.54,.95)]],
     2: [arc(.48, .28, .3, .24, -160, 60) + [(.25,.85)] + arc(.36, .84, .12, .1, 160, 420)[:18]
         + [(.85,.9)]],
     3: [[(.2,.08), (.75,.08), (.45,.4)] + arc(.45, .67, .32, .27, -85, 150)],
     4: [[(.6,.05), (.15,.65), (.88,.65)], [(.62,.4), (.62,.98)]],
     5: [[(.3,.08), (.28,.46)] + arc(.46, .68, .3, .26, -120, 150), [(.3,.08), (.78,.08)]],
     6: [arc(.62, .5, .38, .45, -80, -200) + arc(.5, .71, .26, .23, 170, -170)],
     7: [[(.15,.15), (.2,.08), (.85,.08), (.45,.5), (.38,.96)]],
     8: [arc(.5, .28, .24, .21, -30, -270) + arc(.5, .72, .28, .23, -90, 180)
         + [(.3,.55), (.7,.18)]],
     9: [arc(.47, .3, .25, .23, -20, -345) + [(.73,.3), (.72,.7)]
         + arc(.5, .72, .22, .22, 0, 140)]},
]

def drawings(per_digit=12, size=280):
    "Photos, dark ink on light paper, as PIL images, and their digits"
    photos,digits = [],[]
    for digit in range(10):
        for k in range(per_digit):
            rng = random.Random(100*digit + k)
            height = rng.uniform(.35, .85)*size
            width = height*rng.uniform(.6, .95)
            slant,turn = rng.uniform(-.25, .25),rng.uniform(-.1, .1)  # turn in radians
            shake = rng.uniform(0, .015)
            left,top = rng.uniform(.05, .95)*(size-width),rng.uniform(.02, .98)*(size-height)
            pen = rng.uniform(.045, .13)*height
            photo = Image.new('L', (size,size), rng.randint(215, 255))
            ink = ImageDraw.Draw(photo)
            for stroke in hands[k%len(hands)][digit]:
                points = []
                for x,y in stroke:
                    x,y = x + slant*(.5-y) + rng.gauss(0, shake),y + rng.gauss(0, shake)
                    u,v = (x-.5)*width,(y-.5)*height
                    points.append((left + width/2 + u*math.cos(turn) - v*math.sin(turn),
                                   top + height/2 + u*math.sin(turn) + v*math.cos(turn)))
                ink.line(points, fill=rng.randint(0, 60), width=max(2, round(pen)), joint='curve')
                for x,y in (points[0], points[-1]):
                    ink.ellipse((x-pen/2, y-pen/2, x+pen/2, y+pen/2), fill=30)
            photos.append(photo)
            digits.append(digit)
    return photos,digits

# What people bring instead: each makes another photo of one that `drawings` gives

def noisy(a, spread): return a + np.random.default_rng(0).normal(0, spread, a.shape)
def image(a): return Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))
def array(photo): return np.array(photo).astype(float)
def slope(photo, start, end): return np.linspace(start, end, photo.height)[:,None]

def ink_of(photo):
    "How much of the ink covers each pixel, from 0 to 1"
    a = array(photo)
    return (a.max()-a)/(a.max()-a.min())

def grey_cut_out_on_white(photo):
    page = Image.new('L', (560,560), 255)
    page.paste(image(noisy(200 - 170*ink_of(photo), 3)), (140,140))
    return page

def printed_box(photo):
    page = Image.new('L', (360,360), 250)
    page.paste(image(250 - 110*ink_of(photo)), (40,40))
    pen = ImageDraw.Draw(page)
    for at in (20,340): pen.line((0,at,360,at), 0, 5), pen.line((at,0,at,360), 0, 5)
    return page

def white_on_black(photo): return image(255*ink_of(photo).round())
def light_on_noisy_grey(photo):
    return image(noisy(50 + 150*array(image(255*ink_of(photo)).resize((28,28)))/255, 6))
def in_alpha_alone(photo, colour=(0,0,0)):
    page = Image.new('RGBA', photo.size, colour)
    page.putalpha(image(255*ink_of(photo)))
    return page
def white_in_alpha(photo): return in_alpha_alone(photo, (255,255,255))
def sixteen_bits(photo):
    return Image.fromarray(np.uint16(noisy(55_000 - 40_000*ink_of(photo), 500)))
def negative(photo): return ImageOps.invert(photo)
def diagonal_shadow(photo):
    rows,cols = np.indices(array(photo).shape)
    return image((220 - 170*ink_of(photo))*(1 - .5/(1 + np.exp((cols-rows)/2))))
def thin_pen_in_falling_light(photo):
    thin = ImageOps.invert(photo).resize((140,140)).resize(photo.size)
    return image(noisy(slope(photo, 215, 150)*(1 - .35*ink_of(ImageOps.invert(thin))), 2))
def on_a_brown_table(photo):
    page = Image.new('RGB', (400,380), (110,75,45))
    page.paste((225,225,225), (60,40,360,340))
    page.paste(image(225 - 180*ink_of(photo)), (70,50))
    return page

changes = [grey_cut_out_on_white, printed_box, white_on_black, light_on_noisy_grey, in_alpha_alone,
           white_in_alpha, sixteen_bits, negative, diagonal_shadow, thin_pen_in_falling_light,
           on_a_brown_table]
